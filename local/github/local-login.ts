import type { FastifyInstance } from "fastify";
import Type, { type Static } from "typebox";
import { parametersOf } from "./access.ts";
import { invalid, notFound } from "./api-error.ts";
import { actor } from "./local-places.ts";
import { closed, Login } from "./local-shapes.ts";
import type { Parts } from "./parts.ts";

const DecisionBody = Type.Object(
  { userCode: Type.String({ minLength: 1, maxLength: 20 }), login: Login, approve: Type.Boolean() },
  closed,
);
type DecisionBody = Static<typeof DecisionBody>;

/** The side of a person in the device flow: which codes wait, and what is decided. Only people log in, no bots. */
export function addDeviceRoutes(local: FastifyInstance, { state, deviceLogins }: Parts): void {
  const people = state.actors.filter(({ type }) => type === "User");
  const url = "/login/device";
  local.get(url, () => ({ userCodes: deviceLogins.waiting(), people: people.map(({ login }) => login) }));
  local.post<{ Body: DecisionBody }>(url, { schema: { body: DecisionBody } }, (request, reply) => {
    const { userCode, login, approve } = request.body;
    if (!deviceLogins.decide(userCode, actor(people, login), approve))
      throw invalid(`No device waits with the code ${userCode}. It may have expired; ask for another.`);
    return reply.code(204).send();
  });
  local.delete(`${url}/:userCode`, (request, reply) => {
    if (!deviceLogins.runOut(parametersOf(request)["userCode"] ?? "")) throw notFound();
    return reply.code(204).send();
  });
}
