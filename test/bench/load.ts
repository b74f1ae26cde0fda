import net from "node:net";
import type { Deliveries } from "./deliveries.ts";

/** One round: `connections` keep-alive connections, each with one request at a time, for `ms` milliseconds. */
export interface Round {
  readonly port: number;
  readonly connections: number;
  readonly ms: number;
}

export interface Load {
  readonly requests: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const END_OF_HEAD = "\r\n\r\n";

/**
 * Sends deliveries and counts their answers. Writes bytes to sockets itself: an HTTP client would cost as much as the
 * smallest server does and hide the difference between servers. Throws at the first answer that is not a 2xx.
 */
export async function generateLoad(round: Round, deliveries: Deliveries): Promise<Load> {
  const took: number[] = [];
  const begun = performance.now();
  const until = begun + round.ms;
  const next = () => (performance.now() < until ? deliveries.next() : null);
  await sendAll(round, next, (ms) => took.push(ms));
  const seconds = (performance.now() - begun) / 1000;
  took.sort((a, b) => a - b);
  const at = (share: number) =>
    took[Math.min(took.length - 1, Math.floor(took.length * share))] ?? Number.NaN;
  return { requests: took.length, perSecond: took.length / seconds, p50Ms: at(0.5), p99Ms: at(0.99) };
}

/** Sends what `next` gives until it gives null. Resolves when the last answer has come; throws as `generateLoad` does. */
export async function sendAll(
  { port, connections }: Pick<Round, "port" | "connections">,
  next: () => Buffer | null,
  answered: (ms: number, request: Buffer) => void,
): Promise<void> {
  await Promise.all(Array.from({ length: connections }, () => sendOn(port, next, answered)));
}

/** One connection's share. */
function sendOn(
  port: number,
  next: () => Buffer | null,
  answered: (ms: number, request: Buffer) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host: "127.0.0.1", port, noDelay: true });
    let received = "";
    let sentAt = 0;
    let sent: Buffer | null = null;
    const send = () => {
      sent = next();
      if (sent) {
        sentAt = performance.now();
        socket.write(sent);
      } else {
        socket.end();
        resolve();
      }
    };
    socket.setEncoding("latin1");
    socket.once("connect", send);
    socket.on("data", (text: string) => {
      received += text;
      if (!isWhole(received)) return;
      if (!/^HTTP\/1\.1 2\d\d /.test(received)) {
        reject(new Error(`Port ${port} answered: ${received.slice(0, 500)}`));
        socket.destroy();
        return;
      }
      received = "";
      if (sent) answered(performance.now() - sentAt, sent);
      send();
    });
    socket.once("error", reject);
    socket.once("close", () => reject(new Error(`Port ${port} closed a connection in the middle`)));
  });
}

/** Whether the text is one whole answer, by its length or by its last chunk. */
function isWhole(text: string): boolean {
  const end = text.indexOf(END_OF_HEAD);
  if (end < 0) return false;
  const head = text.slice(0, end);
  if (/\r\ntransfer-encoding: *chunked/i.test(head)) return text.endsWith("\r\n0\r\n\r\n");
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  return text.length >= end + END_OF_HEAD.length + Number(length ?? 0);
}
