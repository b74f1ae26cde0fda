import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { fieldsOf, queryOf } from "./access.ts";
import { ApiError } from "./api-error.ts";
import type { OAuthAnswer } from "./device.ts";
import type { Parts } from "./parts.ts";
import { CLIENT_ID } from "./state.ts";

/** Where people type the code that a device shows. */
export const DEVICE_PAGE = "/login/device";
/** A few parameters. */
const LOGIN_BODY_BYTES = 10_000;

/** OAuth, as devices speak it: parameters as JSON, as a form or in the address; answers as a form unless JSON is wanted. */
export function addLoginRoutes(app: FastifyInstance, { site, deviceLogins }: Parts): void {
  app.register(async (login) => {
    login.addContentTypeParser(
      "application/x-www-form-urlencoded",
      { parseAs: "string", bodyLimit: LOGIN_BODY_BYTES },
      async (_request: FastifyRequest, text: string) => Object.fromEntries(new URLSearchParams(text)),
    );
    login.post(`${DEVICE_PAGE}/code`, (request, reply) => {
      if (parametersOf(request)["client_id"] !== CLIENT_ID) throw new ApiError(404, "Not Found");
      return answer(request, reply, deviceLogins.begin(site.pageUrl + DEVICE_PAGE));
    });
    login.post("/login/oauth/access_token", (request, reply) =>
      answer(request, reply, deviceLogins.ask(parametersOf(request))),
    );
  });
}

function parametersOf(request: FastifyRequest): Readonly<Record<string, unknown>> {
  return { ...queryOf(request), ...fieldsOf(request) };
}

function answer(request: FastifyRequest, reply: FastifyReply, body: OAuthAnswer): FastifyReply {
  reply.header("cache-control", "no-store");
  if (request.headers.accept?.includes("json")) return reply.send(body);
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(body)) form.set(name, String(value));
  return reply.type("application/x-www-form-urlencoded; charset=utf-8").send(form.toString());
}
