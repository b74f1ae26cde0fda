import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { Refused, Retryable } from "../domain/errors.ts";
import { SETUP_STATE_MINUTES } from "../domain/limits.ts";
import type { MadeApp } from "../domain/setup.ts";
import type { Proof, SetupForm } from "../handlers/setup.ts";
import { sendProblem } from "./problem.ts";
import { beginPage, donePage, refusalPage } from "./setup-page.ts";

export interface SetupRoutesDeps {
  /** The address of this service; with https its cookie is never sent without. */
  readonly publicUrl: string;
  begin(code: string, organization: string | null): Promise<SetupForm>;
  finish(given: { code: string; state: string; nonce: string }): Promise<MadeApp>;
  prove(app: MadeApp): Promise<Proof>;
  /** What the App lacks, as one line. */
  lacking(app: MadeApp): Promise<string | null>;
  /** Called once the last answer has left. */
  done(): void;
}

/** The nonce that ties the way back to the browser that began. */
const COOKIE = "offshoot_setup";
const NONCE = new RegExp(`(?:^|; ?)${COOKIE}=([0-9a-f]{32})(?:;|$)`);
/** Longer than any code or state. */
const PARAMETER_CHARACTERS = 300;
const STATUS: Readonly<Record<string, number>> = {
  setup_done: 410,
  invalid_request: 400,
  setup_lost: 502,
  secrets_refused: 502,
};
const TITLES: Readonly<Record<number, string>> = {
  400: "Bad request",
  403: "This link does not work",
  410: "The set-up is over",
  502: "The set-up did not succeed",
  503: "Not now",
};

/** `GET /setup` with the code, and `GET /setup/callback`, where GitHub sends the browser back. */
export async function setupRoutes(app: FastifyInstance, deps: SetupRoutesDeps): Promise<void> {
  answerAsPages(app);
  const over = new WeakSet<FastifyRequest>();
  app.addHook("onResponse", async (request) => {
    if (over.has(request)) deps.done();
  });
  app.get("/setup", async (request, reply) => {
    const code = parameter(request, "code");
    const organization = parameter(request, "organization") || null;
    const form = await deps.begin(code, organization);
    reply.header("set-cookie", cookie(form.nonce, SETUP_STATE_MINUTES * 60, deps.publicUrl));
    return sendPage(reply, 200, beginPage({ ...form, code, organization }), new URL(form.action).origin);
  });
  app.get("/setup/callback", async (request, reply) => {
    const nonce = NONCE.exec(request.headers.cookie ?? "")?.[1] ?? "";
    const given = { code: parameter(request, "code"), state: parameter(request, "state"), nonce };
    const made = await deps.finish(given);
    // Whatever is proved next, the secrets are kept and the set-up is over.
    over.add(request);
    reply.header("set-cookie", cookie("", 0, deps.publicUrl));
    const notes = [proofText(await deps.prove(made)), (await deps.lacking(made)) ?? "", SIGN_IN];
    const installUrl = `${made.url}/installations/new`;
    const page = donePage({ slug: made.slug, installUrl, notes: notes.filter((note) => note !== "") });
    return sendPage(reply, 200, page);
  });
}

/** What is left of it once there is an App. */
export async function closedSetupRoutes(app: FastifyInstance): Promise<void> {
  answerAsPages(app);
  for (const url of ["/setup", "/setup/callback"]) {
    app.get(url, async () => {
      throw new Refused("setup_done", "This Offshoot is set up, and the link is used up.");
    });
  }
}

const SIGN_IN =
  "If people shall sign in with GitHub, switch on its device flow (App settings, General): GitHub takes that from nobody else.";

function proofText(proof: Proof): string {
  if (proof.kind === "arrived") return "GitHub's test delivery arrived here, with a good signature.";
  const next =
    "Check that GitHub reaches this address: the App's settings (Advanced) list its deliveries and repeat one. `offshoot doctor` checks the rest.";
  if (proof.kind === "unseen") return `No test delivery of GitHub was seen yet. ${next}`;
  return `GitHub's test delivery failed: ${proof.status}. ${next}`;
}

/** Refusals are pages for browsers and problems for programs. Neither the address nor the page may be kept or passed on. */
function answerAsPages(app: FastifyInstance): void {
  app.setErrorHandler((error, request, reply) => {
    const isKnown = error instanceof Refused || error instanceof Retryable;
    if (!isKnown) throw error;
    const status = error instanceof Retryable ? 503 : (STATUS[error.reason] ?? 403);
    const title = TITLES[status] ?? "Error";
    const { reason, message: detail } = error;
    const wantsPage = /text\/html/.test(request.headers.accept ?? "");
    if (wantsPage) return sendPage(reply, status, refusalPage(title, detail));
    return sendProblem(reply.header("cache-control", "no-store"), { status, title, reason, detail });
  });
}

/** `formOrigin` is where a form of the page may lead, besides to us. */
function sendPage(reply: FastifyReply, status: number, html: string, formOrigin = ""): FastifyReply {
  const policy = `default-src 'none'; style-src 'unsafe-inline'; form-action 'self' ${formOrigin}; base-uri 'none'; frame-ancestors 'none'`;
  return reply
    .code(status)
    .headers({
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": policy,
      "referrer-policy": "no-referrer",
      "cache-control": "no-store",
    })
    .send(html);
}

/** Lax, because the way back comes from GitHub's site. */
function cookie(nonce: string, seconds: number, publicUrl: string): string {
  const secure = publicUrl.startsWith("https:") ? "; Secure" : "";
  // The address may have a path of its own, such as a stage of API Gateway.
  const path = `${new URL(publicUrl).pathname.replace(/\/$/, "")}/setup`;
  return `${COOKIE}=${nonce}; Path=${path}; Max-Age=${seconds}; HttpOnly; SameSite=Lax${secure}`;
}

function parameter(request: FastifyRequest, name: string): string {
  const value = (request.query as Readonly<Record<string, unknown>>)[name];
  return typeof value === "string" && value.length <= PARAMETER_CHARACTERS ? value : "";
}
