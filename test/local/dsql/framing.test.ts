import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_INSPECTED_BYTES, makeFraming } from "../../../local/dsql/framing.ts";
import { message } from "../../../local/dsql/wire.ts";

const LOOKED_AT = "Q";

const messages = fc.array(
  fc.record({
    type: fc.constantFrom("Q", "B", "S"),
    body: fc.uint8Array({ maxLength: 40 }).map(Buffer.from),
  }),
  { maxLength: 12 },
);

/** Cuts bytes at any places. */
function cutAt(bytes: Buffer, places: readonly number[]): Buffer[] {
  const edges = [0, ...places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return edges.slice(1).map((edge, index) => bytes.subarray(edges[index], edge));
}

/** Doubles the body of every message that is looked at, and drops those that are empty. */
function double(bytes: Buffer): Buffer | undefined {
  const body = bytes.subarray(5);
  return body.length === 0 ? Buffer.alloc(0) : message(LOOKED_AT, Buffer.concat([body, body]));
}

const wants = (type: number) => type === LOOKED_AT.charCodeAt(0);

describe("framing", () => {
  it("replaces exactly the messages that are looked at, wherever the stream is cut", () => {
    fc.assert(
      fc.property(messages, fc.array(fc.nat(), { maxLength: 20 }), (list, places) => {
        const whole = Buffer.concat(list.map(({ type, body }) => message(type, body)));
        const frame = makeFraming({ wants, inspect: double });
        const sent = Buffer.concat(cutAt(whole, places).flatMap((chunk) => frame(chunk)));
        const expected = list.map(({ type, body }) => {
          const bytes = message(type, body);
          return type === LOOKED_AT ? (double(bytes) ?? bytes) : bytes;
        });
        expect(sent.toString("hex")).toBe(Buffer.concat(expected).toString("hex"));
      }),
    );
  });

  it("passes what is not looked at without waiting for its end", () => {
    const frame = makeFraming({ wants, inspect: () => undefined });
    const start = message("B", Buffer.alloc(1000)).subarray(0, 100);
    expect(frame(start)).toEqual([start]);
  });

  it.each([
    ["shorter than itself", 3],
    ["negative", -1],
    ["beyond DSQL's bound", MAX_INSPECTED_BYTES],
  ])("refuses a length that is %s", (_what, length) => {
    const bytes = message(LOOKED_AT, Buffer.alloc(10));
    bytes.writeInt32BE(length, 1);
    const frame = makeFraming({ wants, inspect: () => undefined });
    expect(() => frame(bytes)).toThrow(/length/);
  });
});
