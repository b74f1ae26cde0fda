import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { fieldsOf, parametersOf, queryOf } from "./access.ts";
import { ApiError, invalid, notFound } from "./api-error.ts";
import { appBody } from "./bodies-app.ts";
import type { Schemas } from "./bodies-repository.ts";
import { NAME_CHARACTERS, nameProblem, readManifest } from "./manifest.ts";
import type { Parts } from "./parts.ts";
import { APP_SLUG, CLIENT_ID } from "./state.ts";

/** A manifest is about a kilobyte. */
const FORM_BYTES = 100_000;
const CREATE = "/settings/apps";
const DEFAULT_NAME = "Offshoot";

/** The pages of the manifest flow and of installing: forms, as a browser sends them. */
export function addManifestPages(app: FastifyInstance, { state, manifests, installed }: Parts): void {
  const { apps } = state;
  const open = (organisation: string | null) => (request: FastifyRequest, reply: FastifyReply) => {
    if (organisation !== null && organisation !== state.organisation.login) throw notFound();
    const text = String(fieldsOf(request)["manifest"] ?? "");
    const { name = DEFAULT_NAME } = readManifest(text);
    const form = createForm({ text, name, state: queryOf(request)["state"] ?? "" });
    return sendPage(reply, "Create GitHub App", form);
  };
  app.register(async (pages) => {
    pages.addContentTypeParser(
      "application/x-www-form-urlencoded",
      { parseAs: "string", bodyLimit: FORM_BYTES },
      async (_request: FastifyRequest, text: string) => Object.fromEntries(new URLSearchParams(text)),
    );
    pages.post("/settings/apps/new", open(null));
    pages.post("/organizations/:organisation/settings/apps/new", (request, reply) =>
      open(parametersOf(request)["organisation"] ?? "")(request, reply),
    );
    pages.post(CREATE, (request, reply) => {
      const fields = fieldsOf(request);
      const manifest = readManifest(String(fields["manifest"] ?? ""));
      if (manifest.redirect_url === undefined) throw invalid("The manifest has no redirect_url.");
      if (apps.current()) throw new ApiError(409, "This GitHub has its App already.");
      const [name, state] = [String(fields["name"] ?? DEFAULT_NAME), String(fields["state"] ?? "")];
      const problem = nameProblem(name);
      // As on GitHub, the person sees the form again and may give another name.
      if (problem !== null) {
        const form = createForm({ text: String(fields["manifest"]), name, state, problem });
        return sendPage(reply.code(422), "Create GitHub App", form);
      }
      const back = new URL(manifest.redirect_url);
      back.searchParams.set("code", manifests.make(manifest, name));
      back.searchParams.set("state", state);
      return reply.redirect(back.href, 302);
    });
    const install = `/apps/${APP_SLUG}/installations/new`;
    pages.get(install, (_request, reply) => {
      if (!apps.current()) throw notFound();
      const form = `<form method="post" action="${install}"><button>Install on all repositories</button></form>`;
      return sendPage(reply, "Install", form);
    });
    pages.post(install, (_request, reply) => {
      if (!apps.current()) throw notFound();
      apps.install();
      installed();
      return reply.redirect("/", 303);
    });
  });
}

/** `POST /app-manifests/{code}/conversions`: no credentials, and each code works once. */
export function addConversion(api: FastifyInstance, { site, state, manifests }: Parts): void {
  api.post("/app-manifests/:code/conversions", (request, reply) => {
    const { app, clientSecret } = manifests.convert(parametersOf(request)["code"] ?? "");
    const body: NonNullable<Schemas["integration"]> & Record<string, unknown> = {
      ...appBody(site, state, app),
      ...{ client_id: CLIENT_ID, client_secret: clientSecret },
      ...{ webhook_secret: app.webhookSecret, pem: app.privateKeyPem },
    };
    return reply.code(201).send(body);
  });
}

interface CreateForm {
  /** The manifest. */
  readonly text: string;
  readonly name: string;
  readonly state: string;
  /** What was wrong with the name before. */
  readonly problem?: string;
}

function createForm({ text, name, state, problem }: CreateForm): string {
  const said = problem === undefined ? "" : `<p role="alert">${escaped(problem)}</p>\n`;
  return `${said}<form method="post" action="${CREATE}">
<input type="hidden" name="manifest" value="${escaped(text)}">
<input type="hidden" name="state" value="${escaped(state)}">
<label>Name <input name="name" maxlength="${NAME_CHARACTERS}" value="${escaped(name)}"></label>
<button>Create GitHub App</button>
</form>`;
}

/** No content policy here: a form of this page leads, by a redirect, to whoever asked for the App. */
function sendPage(reply: FastifyReply, title: string, body: string): FastifyReply {
  return reply
    .header("content-type", "text/html; charset=utf-8")
    .send(
      `<!doctype html><meta charset="utf-8"><title>${title} · Local GitHub</title><h1>${title}</h1>${body}`,
    );
}

function escaped(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");
}
