import type { Socket } from "node:net";
import { makeFraming } from "./framing.ts";
import { type Ledger, newLedger, noteReady, rewriteSql } from "./statements.ts";
import { HEADER_BYTES, message } from "./wire.ts";

const [QUERY, PARSE] = [0x51, 0x50];
const [NOTICE, COMMAND_COMPLETE, READY] = [0x4e, 0x43, 0x5a];

/** Procedures of `sys` raise a notice with this SQLSTATE: its text is the tag of the answer that follows. */
const TAG_NOTICE = Buffer.from("\0CDSQLT\0");

/**
 * Passes bytes between an authenticated client and its Postgres, until either side ends. Statements are looked at only as far
 * as `rewriteSql` needs.
 */
export function relay(client: Socket, backend: Socket, indexBuildMs: number): void {
  const ledger = newLedger();
  const statements = makeFraming({
    wants: (type) => type === QUERY || type === PARSE,
    inspect: (bytes) => rewriteMessage(bytes, ledger, indexBuildMs),
  });
  forward(client, backend, statements);
  forward(backend, client, makeFraming(watchAnswers(ledger)));
}

function forward(from: Socket, to: Socket, frame: (chunk: Buffer) => Buffer[]): void {
  from.on("data", (chunk: Buffer) => {
    try {
      for (const bytes of frame(chunk)) if (!to.write(bytes)) from.pause();
    } catch {
      // What cannot be framed cannot be answered in order either.
      from.destroy();
      to.destroy();
    }
  });
  to.on("drain", () => from.resume());
  from.on("end", () => to.end());
  // What was said last, such as why Postgres ends the session, still has to arrive.
  from.on("close", () => to.destroySoon());
}

/** SQL is ASCII where it matters here, and latin1 keeps every other byte as it is. */
function rewriteMessage(bytes: Buffer, ledger: Ledger, indexBuildMs: number): Buffer | undefined {
  const isQuery = bytes[0] === QUERY;
  const start = isQuery ? HEADER_BYTES : bytes.indexOf(0, HEADER_BYTES) + 1;
  const end = bytes.indexOf(0, start);
  if (start === 0 || end < 0) return undefined;
  const rewritten = rewriteSql(bytes.toString("latin1", start, end), ledger, indexBuildMs);
  if (rewritten === undefined) return undefined;
  const body = [bytes.subarray(HEADER_BYTES, start), Buffer.from(rewritten, "latin1"), bytes.subarray(end)];
  return message(isQuery ? "Q" : "P", Buffer.concat(body));
}

/** Takes the notice out and gives the next answer the tag that it names; keeps the ledger to what Postgres says. */
function watchAnswers(ledger: Ledger) {
  let expected: string | undefined;
  return {
    wants: (type: number) =>
      type === READY || type === NOTICE || (expected !== undefined && type === COMMAND_COMPLETE),
    inspect(bytes: Buffer): Buffer | undefined {
      if (bytes[0] === READY) {
        noteReady(ledger, bytes.toString("latin1", HEADER_BYTES));
        return undefined;
      }
      if (bytes[0] === COMMAND_COMPLETE) {
        const tag = message("C", Buffer.from(`${expected}\0`));
        expected = undefined;
        return tag;
      }
      if (!bytes.includes(TAG_NOTICE)) return undefined;
      expected = /\0M([A-Z ]+)\0/.exec(bytes.toString("latin1"))?.[1];
      return Buffer.alloc(0);
    },
  };
}
