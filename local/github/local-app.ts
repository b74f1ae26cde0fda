import type { FastifyInstance } from "fastify";
import Type, { type Static } from "typebox";
import { notFound } from "./api-error.ts";
import { closed } from "./local-shapes.ts";
import type { Parts } from "./parts.ts";

const Level = Type.Union([Type.Literal("read"), Type.Literal("write")]);
const Permissions = Type.Object(
  {
    checks: Type.Optional(Level),
    contents: Type.Optional(Level),
    deployments: Type.Optional(Level),
    issues: Type.Optional(Level),
    metadata: Type.Optional(Level),
    pull_requests: Type.Optional(Level),
  },
  closed,
);
const ReviseAppBody = Type.Object(
  {
    permissions: Type.Optional(Permissions),
    events: Type.Optional(Type.Array(Type.String(), { maxItems: 100 })),
    /** Whether the owner of the installation accepts it, too. */
    accept: Type.Optional(Type.Boolean()),
  },
  closed,
);
type ReviseAppBody = Static<typeof ReviseAppBody>;

/** What the App's owner changes in its settings, and the end of the manifest flow's codes. */
export function addLocalAppRoutes(local: FastifyInstance, { state, manifests }: Parts): void {
  const { apps } = state;
  local.patch<{ Body: ReviseAppBody }>("/app", { schema: { body: ReviseAppBody } }, (request, reply) => {
    if (!apps.current()) throw notFound();
    const { accept = false, ...change } = request.body;
    apps.revise(change);
    if (accept) apps.install();
    return reply.code(204).send();
  });
  local.delete("/app-manifests", (_request, reply) => {
    manifests.runOut();
    return reply.code(204).send();
  });
}
