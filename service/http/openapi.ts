import swagger from "@fastify/swagger";
import type { FastifyInstance } from "fastify";
import { ANONYMOUS_REQUESTS_PER_MINUTE, REQUESTS_PER_MINUTE } from "../domain/limits.ts";

const DESCRIPTION = `One Aurora DSQL database of its own for every pull request, git branch or customer.

Every error is \`application/problem+json\` with a \`reason\` code that stays, a \`detail\` that says what to do next, and a
\`requestId\` that finds the request in the log; every answer carries \`x-request-id\`. Lists are pages: follow
\`nextCursor\`. Writes take an \`Idempotency-Key\`, remembered for 24 hours. What takes longer than a request is an
operation: poll it, or wait with \`?wait=30s\`. At most ${REQUESTS_PER_MINUTE} requests a minute are answered per caller, and
${ANONYMOUS_REQUESTS_PER_MINUTE} per address without a credential; see the RateLimit headers. What a caller may not see is answered as what does not exist.`;

const TAGS = [
  { name: "Tenants", description: "One database per customer, under your own key of the customer." },
  {
    name: "Environments",
    description: "The same view over all owners: pull requests, git branches, customers.",
  },
  { name: "Operations", description: "What requests began, to poll or to wait for." },
  { name: "Capacity", description: "The slots and Regions that databases need." },
  { name: "Access", description: "Who is asking, and how CI jobs and people sign in." },
];

/** Generates the OpenAPI document from the routes that are added after it; `app.swagger()` is it. */
export async function addOpenApi(app: FastifyInstance, publicUrl: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "Offshoot",
        version: "1",
        description: DESCRIPTION,
        license: { name: "Proprietary", identifier: "LicenseRef-Offshoot" } as { name: string },
      },
      servers: [{ url: publicUrl, description: "This service." }],
      tags: TAGS,
      components: {
        securitySchemes: {
          bearer: {
            type: "http",
            scheme: "bearer",
            description: "An API key, or the credential of a session.",
          },
        },
      },
    },
    refResolver: { buildLocalReference: (schema) => String(schema["$id"]) },
  });
}
