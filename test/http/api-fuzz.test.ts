import fc from "fast-check";
import type { FastifyInstance } from "fastify";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildApi } from "../support/api.ts";
import { createConformance, documentOf, operationsOf } from "../support/api-document.ts";
import { type Asked, requestsTo } from "../support/api-hostile.ts";
import { type ApiService, askAs, createApiService, JOB_OF, PERSON } from "../support/api-service.ts";
import { startStore, type TestStore } from "../support/store.ts";

/** Per operation; more by OFFSHOOT_FUZZ_RUNS. */
const RUNS = Number(process.env["OFFSHOOT_FUZZ_RUNS"] ?? 40);
const CANARY = "canary-of-another";

const document = await documentOf(buildApi().app);
const operations = operationsOf(document);
const conforms = createConformance(document);

let base: TestStore;
let service: ApiService;
/** Of what is hidden from the strangers: a customer, a pull request's environment, and an operation. */
const hidden = { key: "blue", environment: "", operation: "" };
const insiders: string[] = [];
const strangers: string[] = [];

beforeAll(async () => {
  base = await startStore({ max: 8 });
  service = createApiService(base);
  service.people.set("wendy", "write");
  const admin = await service.key();
  const labels = { team: "blue", secret: CANARY };
  const made = await askAs(service, admin, "PUT", "/v1/tenants/blue", { labels });
  hidden.operation = made.json().operation.id;
  hidden.environment = await service.pull(7, labels);
  insiders.push(
    admin,
    await service.key({ scopes: ["read"] }),
    await service.key({ scopes: ["tenants:write", "tokens"] }),
    await service.session(JOB_OF(7)),
    await service.session(PERSON("wendy")),
  );
  strangers.push(
    await service.key({ selector: { team: "red" } }),
    await service.session(JOB_OF(8)),
    await service.session(PERSON("mallory")),
    `ofk_${"0".repeat(22)}_${"A".repeat(43)}`,
  );
});
afterAll(() => base?.stop());

async function send(app: FastifyInstance, { method, url, headers, payload }: Asked) {
  const asked = { method: method as "GET", url, headers };
  return app.inject(payload === undefined ? asked : { ...asked, payload });
}

/** The same request to what is hidden, where it has a place for a name. */
function aimed(asked: Asked): Asked {
  const url = asked.url
    .replace(/(\/tenants\/)[^/?]+/, `$1${hidden.key}`)
    .replace(/(\/environments\/)[^/?]+/, `$1${hidden.environment}`)
    .replace(/(\/operations\/)[^/?]+/, `$1${hidden.operation}`)
    .replace(/([?&]wait=)\d+s/, "$10s");
  return { ...asked, url };
}

describe("whatever is asked of the API", () => {
  it.each(operations.map((operation) => [operation.operationId, operation] as const))(
    "%s answers as it is documented, and never with a 5xx",
    async (_name, operation) => {
      const requests = requestsTo(operation, [...insiders, ...strangers]);
      await fc.assert(
        fc.asyncProperty(requests, fc.boolean(), async (some, isAimed) => {
          const asked = isAimed ? aimed(some) : { ...some, url: some.url.replace(/([?&]wait=)\d+s/, "$10s") };
          const answer = await send(service.app, asked);
          const status = answer.statusCode;
          const contentType = String(answer.headers["content-type"] ?? "");
          // Nobody can sign in here; that is said, and no failure.
          if (!answer.body.includes('"login_missing"')) expect(status, answer.body).toBeLessThan(500);
          if (status >= 400 && asked.method !== "HEAD") {
            expect(contentType).toMatch(/^application\/problem\+json/);
            const { reason, requestId } = answer.json();
            const id = answer.headers["x-request-id"];
            expect([reason, requestId]).toEqual([expect.stringMatching(/^[a-z_]+$/), id]);
          }
          expect(answer.headers["x-injected"]).toBeUndefined();
          if (asked.method === operation.method && status !== 404) {
            expect(conforms(operation, { status, contentType, body: answer.body })).toBeNull();
          }
        }),
        { numRuns: RUNS },
      );
    },
  );

  it("shows a stranger nothing, and changes nothing for one", async () => {
    const rows = async () =>
      JSON.stringify([
        await base.store.environmentByOwner("tenant:blue"),
        await base.store.environment(hidden.environment),
        await base.store.events(hidden.environment),
      ]);
    const before = await rows();
    const some = fc.constantFrom(...operations.filter(({ isPublic }) => !isPublic));
    await fc.assert(
      fc.asyncProperty(
        some.chain((operation) => requestsTo(operation, strangers)),
        async (asked) => {
          const answer = await send(service.app, aimed(asked));
          expect(answer.body).not.toContain(CANARY);
          // A method that is not there is told with the address that was asked for.
          if (answer.statusCode !== 405) expect(answer.body).not.toContain(hidden.environment);
        },
      ),
      { numRuns: RUNS * 8 },
    );
    expect(await rows()).toBe(before);
  });
});
