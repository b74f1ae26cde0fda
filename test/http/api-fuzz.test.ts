import fc from "fast-check";
import type { FastifyInstance } from "fastify";
import { describe, expect, it } from "vitest";
import { buildApi, keyCaller } from "../support/api.ts";
import { createConformance, documentOf, operationsOf } from "../support/api-document.ts";
import { type Asked, requestsTo } from "../support/api-hostile.ts";

/** Per operation; more by OFFSHOOT_FUZZ_RUNS. */
const RUNS = Number(process.env["OFFSHOOT_FUZZ_RUNS"] ?? 60);
const CANARY = "canary-of-another";

const callers = {
  key: keyCaller(),
  reader: keyCaller({ id: "key_reader", scopes: ["read"] }),
  tokens: keyCaller({ id: "key_tokens", scopes: ["tokens"] }),
  red: keyCaller({ id: "key_red", selector: { team: "red" } }),
};
const CREDENTIALS = [...Object.keys(callers), "nobodys"];

async function send(app: FastifyInstance, { method, url, headers, payload }: Asked) {
  const asked = { method: method as "GET", url, headers };
  return app.inject(payload === undefined ? asked : { ...asked, payload });
}

const { app } = buildApi({ callers });
const document = await documentOf(app);
const operations = operationsOf(document);
const conforms = createConformance(document);

describe("whatever is asked of the API", () => {
  it.each(operations.map((operation) => [operation.operationId, operation] as const))(
    "%s answers as it is documented, and never with a 5xx",
    async (_name, operation) => {
      await fc.assert(
        fc.asyncProperty(requestsTo(operation, CREDENTIALS), async (asked) => {
          const answer = await send(app, asked);
          const status = answer.statusCode;
          // Locally nobody can sign in, and no role signs tokens: these say so, and are no failures.
          const isMissing = status === 503 && /"reason":"\w+_missing"/.test(answer.body);
          if (!isMissing) expect(status, answer.body).toBeLessThan(500);
          const contentType = String(answer.headers["content-type"] ?? "");
          if (status >= 400 && asked.method !== "HEAD") {
            expect(contentType).toMatch(/^application\/problem\+json/);
            const { reason, requestId } = answer.json();
            expect([reason, requestId]).toEqual([
              expect.stringMatching(/^[a-z_]+$/),
              answer.headers["x-request-id"],
            ]);
          }
          expect(answer.headers["x-injected"]).toBeUndefined();
          if (asked.method === operation.method && status !== 404 && status !== 414) {
            expect(conforms(operation, { status, contentType, body: answer.body })).toBeNull();
          }
        }),
        { numRuns: RUNS },
      );
    },
  );

  it("shows a key nothing of what its labels do not cover", async () => {
    const blue = { labels: { team: "blue", secret: CANARY } };
    await app.inject({
      method: "PUT",
      url: "/v1/tenants/blue",
      headers: { authorization: "Bearer key" },
      payload: blue,
    });
    const some = fc.constantFrom(
      ...operations.filter(({ isPublic, operationId }) => !isPublic && operationId !== "listTenants"),
    );
    await fc.assert(
      fc.asyncProperty(
        some.chain((operation) => requestsTo(operation, ["red", "nobodys"])),
        async (asked) => {
          const url = asked.url.replace(/(\/tenants\/)[^/?]+/, "$1blue");
          const answer = await send(app, { ...asked, url });
          expect(answer.body).not.toContain(CANARY);
        },
      ),
      { numRuns: RUNS * 4 },
    );
  });
});
