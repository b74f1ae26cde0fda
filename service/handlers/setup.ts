/** Set-up: a link with a one-time code makes the GitHub App, keeps its secrets, and proves that its webhooks arrive. */
import { Refused } from "../domain/errors.ts";
import { SETUP_CODE_HOURS, SETUP_PROOF_MS, SETUP_STATE_MINUTES } from "../domain/limits.ts";
import {
  appManifest,
  isLogin,
  type MadeApp,
  manifestAddress,
  openingPairs,
  PAIR,
  type Pairs,
  pairsOfApp,
  setupLink,
} from "../domain/setup.ts";
import type { Chance, Clock, Log } from "./ports.ts";
import type { Secrets } from "./ports-credentials.ts";
import type { Apps, Seals, SecretBook, SentDelivery } from "./ports-setup.ts";
import { waitUntil } from "./wait.ts";

export interface SetupContext {
  readonly book: SecretBook;
  readonly apps: Apps;
  readonly secrets: Secrets & Seals;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly log: Log;
  /** The address under which GitHub and people reach this service. */
  readonly publicUrl: string;
  /** The GitHub that people see. */
  readonly webUrl: string;
}

/** The form that takes a person to GitHub, and what their browser must keep until they come back. */
export interface SetupForm {
  readonly action: string;
  readonly manifest: string;
  readonly nonce: string;
}

/** What the test delivery showed. */
export type Proof =
  | { readonly kind: "arrived" }
  | { readonly kind: "refused"; readonly status: string }
  | { readonly kind: "unseen" };

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const CODE_BYTES = 32;
const NONCE_BYTES = 16;
const NAME_BYTES = 3;
/** Shorter and longer ones are none of ours, nor GitHub's. */
const CODE = /^[\w-]{20,200}$/;
const STATE = /^([0-9a-f]{32})\.(\d{13})\.([0-9a-f]{64})$/;

const AGAIN = "Open the link of `offshoot setup-code` again; that command also makes a new one.";

/** Opens the set-up to whoever has the code, which is shown this one time. Refused `setup_done` if there is an App. */
export async function openSetup(
  { book, secrets, clock, chance, publicUrl }: Omit<SetupContext, "apps" | "log" | "webUrl">,
  hours: number = SETUP_CODE_HOURS,
): Promise<{ readonly link: string; readonly expires: Date }> {
  const { pairs, version } = await book.read();
  refuseDone(pairs);
  const code = Buffer.from(chance.bytes(CODE_BYTES)).toString("base64url");
  const expires = new Date(clock.now().getTime() + hours * HOUR_MS);
  await book.replace({ ...pairs, ...openingPairs(secrets.digest(code), expires) }, version);
  return { link: setupLink(publicUrl, code), expires };
}

/** The first visit. Throws Refused `setup_done`, `setup_code` or `invalid_request`. Changes nothing. */
export async function beginSetup(
  context: SetupContext,
  code: string,
  organization: string | null,
): Promise<SetupForm> {
  const { book, secrets, clock, chance, publicUrl, webUrl } = context;
  const { pairs } = await book.read();
  refuseDone(pairs);
  const digest = openDigest(context, pairs);
  if (!CODE.test(code) || !secrets.same(secrets.digest(code), digest)) {
    throw new Refused("setup_code", `This link is not the one that was made last. ${AGAIN}`);
  }
  if (organization !== null && !isLogin(organization)) {
    throw new Refused("invalid_request", "That is not the name of an organization on GitHub.");
  }
  const nonce = hex(chance, NONCE_BYTES);
  const state = stateOf(context, digest, nonce, clock.now().getTime() + SETUP_STATE_MINUTES * MINUTE_MS);
  return {
    action: manifestAddress(webUrl, organization, state),
    manifest: JSON.stringify(appManifest(publicUrl, organization ?? hex(chance, NAME_BYTES))),
    nonce,
  };
}

/**
 * The way back from GitHub: exchanges its temporary code, and keeps the secrets before anything else happens. `nonce` is
 * what the browser kept. Throws Refused `setup_done`, `setup_code`, `setup_state`, `github_code` or `setup_lost`.
 */
export async function finishSetup(
  context: SetupContext,
  given: { readonly code: string; readonly state: string; readonly nonce: string },
): Promise<MadeApp> {
  const { book, apps, log } = context;
  const { pairs: before, version } = await book.read();
  refuseDone(before);
  checkState(context, openDigest(context, before), given);
  const app = CODE.test(given.code) ? await apps.convert(given.code) : null;
  if (!app) {
    const why = "GitHub does not know its code: it was used, or is older than an hour.";
    throw new Refused("github_code", `${why} ${AGAIN}`);
  }
  await book.replace(pairsOfApp(before, app), version).catch((error: unknown) => {
    const cause = error instanceof Error ? error.message : String(error);
    log.error({ app: app.slug, cause }, "the secrets of a new GitHub App could not be kept");
    const next = `Delete that App (${app.url}, App settings, Advanced) and open the link again.`;
    throw new Refused(
      "setup_lost",
      `GitHub made the App ${app.slug}, but its secrets were not kept. ${next}`,
    );
  });
  log.info({ app: app.slug, appId: app.appId }, "GitHub App made and its secrets kept");
  return app;
}

/**
 * Has GitHub deliver its ping once more, now that the secret is known, and looks what it was answered: only a service that
 * GitHub reaches and that knows the secret answers 2xx. Never throws.
 */
export async function proveDelivery(
  { apps, clock, log }: Pick<SetupContext, "apps" | "clock" | "log">,
  app: MadeApp,
  signal: AbortSignal,
): Promise<Proof> {
  let asked: ReadonlySet<string> | null = null;
  const look = async (): Promise<SentDelivery | null> => {
    const pings = (await apps.deliveries(app)).filter(({ event }) => event === "ping");
    const before = asked;
    if (before) return pings.find(({ id, redelivery }) => redelivery && !before.has(id)) ?? null;
    const [ping] = pings;
    // GitHub writes its first ping down some moments after the App was made.
    if (!ping) return null;
    await apps.redeliver(app, ping.id);
    asked = new Set(pings.map(({ id }) => id));
    return null;
  };
  try {
    const found = await waitUntil({ clock }, { ms: SETUP_PROOF_MS, signal }, look, (one) => one !== null);
    if (!found) return { kind: "unseen" };
    const { status, statusCode } = found;
    const isGood = statusCode >= 200 && statusCode < 300;
    return isGood ? { kind: "arrived" } : { kind: "refused", status: `${status} (${statusCode})` };
  } catch (error) {
    log.warn({ cause: String(error) }, "the test delivery could not be looked at");
    return { kind: "unseen" };
  }
}

function refuseDone(pairs: Pairs): void {
  if (!pairs[PAIR.appId]) return;
  const next = "To make another App, empty its secrets first; docs: README, Run it for your repositories.";
  throw new Refused("setup_done", `This Offshoot is set up; the link is used up. ${next}`);
}

/** The digest of the code while it is good. */
function openDigest({ clock }: SetupContext, pairs: Pairs): string {
  const digest = pairs[PAIR.codeDigest];
  const expires = Date.parse(pairs[PAIR.codeExpires] ?? "");
  if (digest && expires > clock.now().getTime()) return digest;
  const what = digest ? "The link has expired." : "No link was made yet.";
  throw new Refused("setup_code", `${what} \`offshoot setup-code\` makes a new one.`);
}

/** Signed with what only the service and its secrets know, so that nobody else can send a browser back to us. */
function stateOf({ secrets }: SetupContext, digest: string, nonce: string, endsAt: number): string {
  return `${nonce}.${endsAt}.${secrets.seal(digest, `setup ${nonce} ${endsAt}`)}`;
}

function checkState(
  context: SetupContext,
  digest: string,
  { state, nonce }: { readonly state: string; readonly nonce: string },
): void {
  const [, ours = "", endsAt = "0"] = STATE.exec(state) ?? [];
  const { secrets, clock } = context;
  const expected = stateOf(context, digest, ours, Number(endsAt));
  const isOurs = secrets.same(state, expected) && secrets.same(nonce, ours);
  if (isOurs && Number(endsAt) > clock.now().getTime()) return;
  const why = "This is not the way back of a set-up that this browser has begun within the last hour.";
  throw new Refused("setup_state", `${why} ${AGAIN}`);
}

function hex(chance: Chance, bytes: number): string {
  return Buffer.from(chance.bytes(bytes)).toString("hex");
}
