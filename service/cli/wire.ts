/** The few messages of Postgres' protocol, version 3, that a relay reads and writes itself. */
import type { Duplex } from "node:stream";

export const PROTOCOL_3 = 196_608;
export const CANCEL_REQUEST = 80_877_102;
export const SSL_REQUEST = 80_877_103;
export const GSSENC_REQUEST = 80_877_104;

/** Postgres' own bounds of the first packet and of a password. */
const FIRST_PACKET_BYTES = 10_000;
const MESSAGE_BYTES = 65_535;
const HEADER_BYTES = 5;

export interface FirstPacket {
  readonly code: number;
  readonly body: Buffer;
}
export interface Message {
  /** One ASCII letter. */
  readonly type: string;
  readonly body: Buffer;
}

/** A startup packet, or a request in its place. */
export async function readFirstPacket(stream: Duplex): Promise<FirstPacket> {
  const head = await readBytes(stream, 8);
  const size = head.readInt32BE(0);
  if (size < 8 || size > FIRST_PACKET_BYTES) throw new Error("This is no client of Postgres.");
  return { code: head.readInt32BE(4), body: await readBytes(stream, size - 8) };
}

/** A message of the time before a session is open, when all are small. */
export async function readMessage(stream: Duplex): Promise<Message> {
  const head = await readBytes(stream, HEADER_BYTES);
  const size = head.readInt32BE(1) - 4;
  if (size < 0 || size > MESSAGE_BYTES) throw new Error("This is no message of Postgres.");
  return { type: String.fromCharCode(head[0] ?? 0), body: await readBytes(stream, size) };
}

/** Exactly `size` bytes; the rest stays for the next reader. Throws when the stream ends before. */
export function readBytes(stream: Duplex, size: number): Promise<Buffer> {
  if (size === 0) return Promise.resolve(Buffer.alloc(0));
  return new Promise((resolve, reject) => {
    const settle = (bytes: unknown) => {
      stream.off("readable", attempt).off("end", attempt).off("close", attempt).off("error", attempt);
      if (Buffer.isBuffer(bytes) && bytes.length === size) resolve(bytes);
      else reject(stream.errored ?? new Error("The connection ended early."));
    };
    const attempt = () => {
      const bytes: unknown = stream.read(size);
      if (bytes !== null || stream.readableEnded || stream.destroyed) settle(bytes);
    };
    stream.on("readable", attempt).on("end", attempt).on("close", attempt).on("error", attempt);
    attempt();
  });
}

export function parseParameters(body: Buffer): Map<string, string> {
  const texts = body.toString("utf8").split("\0");
  const parameters = new Map<string, string>();
  for (let i = 0; i + 1 < texts.length && texts[i] !== ""; i += 2)
    parameters.set(texts[i] ?? "", texts[i + 1] ?? "");
  return parameters;
}

export function startupPacket(parameters: ReadonlyMap<string, string>): Buffer {
  return firstPacket(PROTOCOL_3, Buffer.from(`${[...parameters].flat().join("\0")}\0\0`));
}

export function firstPacket(code: number, body: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeInt32BE(8 + body.length, 0);
  head.writeInt32BE(code, 4);
  return Buffer.concat([head, body]);
}

export function encode({ type, body }: Message): Buffer {
  const head = Buffer.alloc(HEADER_BYTES);
  head.write(type, 0, "latin1");
  head.writeInt32BE(4 + body.length, 1);
  return Buffer.concat([head, body]);
}

/** Asks for a password in clear, or says that it was right: an Authentication message of this kind. */
export function authentication(kind: number): Buffer {
  const body = Buffer.alloc(4);
  body.writeInt32BE(kind, 0);
  return encode({ type: "R", body });
}

export function passwordMessage(password: string): Buffer {
  return encode({ type: "p", body: Buffer.from(`${password}\0`) });
}

/** The error that ends a connection. */
export function fatal(code: string, message: string): Buffer {
  const fields = ["SFATAL", "VFATAL", `C${code}`, `M${message}`];
  return encode({ type: "E", body: Buffer.from(`${fields.join("\0")}\0\0`) });
}
