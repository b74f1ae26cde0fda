import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { buildDoor, deliver, SECRET } from "../support/door.ts";
import { commentPayload, pullPayload } from "../support/payloads.ts";

const journal = { append: async () => {} };
const RUNS = 300;

/** A payload of GitHub's with one of its fields, at any depth, replaced by anything. */
const damaged = fc
  .tuple(fc.constantFrom(pullPayload(), commentPayload()), fc.nat(), fc.jsonValue())
  .map(([payload, at, value]) => {
    let seen = 0;
    const total = JSON.stringify(payload).match(/":/g)?.length ?? 1;
    return JSON.stringify(payload, (key, old) => (key !== "" && seen++ === at % total ? value : old));
  });

const body = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.json(),
  damaged,
  fc.uint8Array().map((bytes) => Buffer.from(bytes)),
);
const event = fc.constantFrom("pull_request", "issue_comment", "push");
/** What an HTTP header may hold at all: visible latin-1. */
const headerText = fc.string({
  unit: fc.integer({ min: 0x20, max: 0xff }).map((c) => String.fromCharCode(c)),
});

describe("whatever arrives at the door", () => {
  it("gets no 5xx for its body", async () => {
    const { app } = buildDoor(journal);
    await fc.assert(
      fc.asyncProperty(body, event, async (payload, name) => {
        expect((await deliver(app, payload, { event: name })).statusCode).toBeLessThan(500);
      }),
      { numRuns: RUNS },
    );
  });

  it("gets no 5xx for its headers", async () => {
    const { app } = buildDoor(journal);
    const names = ["content-type", "x-github-event", "x-github-delivery", "x-hub-signature-256"] as const;
    const headers = fc
      .tuple(fc.constantFrom(...names), fc.option(headerText, { nil: undefined }))
      .map(([name, value]) => ({ [name]: value }));
    await fc.assert(
      fc.asyncProperty(headers, async (changed) => {
        const answer = await deliver(app, JSON.stringify(pullPayload()), { headers: changed });
        expect(answer.statusCode).toBeLessThan(500);
      }),
      { numRuns: RUNS },
    );
  });

  it("leaves no secret in the log", async () => {
    const { app, lines } = buildDoor({ append: () => Promise.reject(new Error(`lost ${CANARY}`)) });
    await deliver(app, JSON.stringify({ ...pullPayload(), token: CANARY }));
    await deliver(app, JSON.stringify(pullPayload()), { secret: CANARY });
    await deliver(app, CANARY, { headers: { authorization: `Bearer ${CANARY}` } });
    await deliver(app, "{}", { headers: { "x-github-delivery": `${CANARY} ${SECRET}` } });
    expect(lines.join("")).not.toMatch(/CANARY|current webhook secret|sha256=/);
    expect(lines).toHaveLength(4);
  });
});

const CANARY = "ghs_CANARYcanaryCANARYcanary0123456789";
