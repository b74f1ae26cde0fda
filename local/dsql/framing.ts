import { HEADER_BYTES } from "./wire.ts";

/** What a stream of messages lets through: wholly unseen, or one message at a time with a chance to replace it. */
export interface Inspection {
  /** True for the types whose messages `inspect` wants to see, by their type's byte. */
  wants(type: number): boolean;
  /** Gets a whole message. Out: what to send instead; undefined to send it as it is. */
  inspect(message: Buffer): Buffer | undefined;
}

/** DSQL's bound for a message; only messages that are inspected have to fit in memory. */
export const MAX_INSPECTED_BYTES = 10 * 1024 * 1024;

/**
 * Cuts a stream into messages at the cost of reading their headers. In: chunks as they arrive. Out: the bytes to send on, mostly
 * the same chunk. Throws on a length that cannot be.
 */
export function makeFraming({ wants, inspect }: Inspection): (chunk: Buffer) => Buffer[] {
  let skip = 0;
  let kept: Buffer[] = [];
  let keptBytes = 0;
  let missing = 0;

  return (chunk) => {
    if (keptBytes + chunk.length < missing) {
      kept.push(chunk);
      keptBytes += chunk.length;
      return [];
    }
    const data = keptBytes === 0 ? chunk : Buffer.concat([...kept, chunk]);
    const out: Buffer[] = [];
    let sent = 0;
    let at = Math.min(skip, data.length);
    skip -= at;
    missing = 0;
    while (skip === 0 && at < data.length) {
      const size = data.length - at < HEADER_BYTES ? HEADER_BYTES : 1 + data.readInt32BE(at + 1);
      if (size < HEADER_BYTES) throw new Error("A message has an impossible length");
      const whole = at + size <= data.length && data.length - at >= HEADER_BYTES;
      const wanted = data.length - at < HEADER_BYTES || wants(data[at] ?? 0);
      if (wanted && size > MAX_INSPECTED_BYTES) throw new Error("invalid message length");
      if (wanted && !whole) {
        missing = size;
        break;
      }
      const replacement = wanted ? inspect(data.subarray(at, at + size)) : undefined;
      if (replacement) {
        if (at > sent) out.push(data.subarray(sent, at));
        out.push(replacement);
        sent = at + size;
      }
      skip = Math.max(0, at + size - data.length);
      at = Math.min(at + size, data.length);
    }
    if (at > sent) out.push(data.subarray(sent, at));
    kept = at < data.length ? [data.subarray(at)] : [];
    keptBytes = data.length - at;
    return out;
  };
}
