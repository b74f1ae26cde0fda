import { randomBytes } from "node:crypto";
import Type, { type Static } from "typebox";
import Value from "typebox/value";
import { invalid, notFound } from "./api-error.ts";
import { APP_EVENTS, type App, type Apps, GRANTED, type Grants } from "./app.ts";

/** GitHub: all steps must be done within an hour. (registering-a-github-app-from-a-manifest) */
const CODE_SECONDS = 3600;
/** A bound on what is remembered. */
const CODES_MAX = 100;
/** GitHub's bound on the name of an App. (registering-a-github-app) */
export const NAME_CHARACTERS = 34;
/** What a person cannot see in a name: control characters, and those that turn the direction of text. */
const UNSEEN = /[\p{Cc}\p{Cf}]/u;

const Url = Type.String({ pattern: "^https?://", maxLength: 2_000 });
/** The keys that the documentation lists; any other is a mistake of ours. */
const Manifest = Type.Object(
  {
    name: Type.Optional(Type.String({ minLength: 1, maxLength: NAME_CHARACTERS })),
    url: Url,
    hook_attributes: Type.Optional(
      Type.Object({ url: Url, active: Type.Optional(Type.Boolean()) }, { additionalProperties: false }),
    ),
    redirect_url: Type.Optional(Url),
    callback_urls: Type.Optional(Type.Array(Url, { maxItems: 10 })),
    setup_url: Type.Optional(Url),
    description: Type.Optional(Type.String({ maxLength: 1_000 })),
    public: Type.Optional(Type.Boolean()),
    default_events: Type.Optional(Type.Array(Type.String())),
    default_permissions: Type.Optional(
      Type.Record(Type.String(), Type.Union([Type.Literal("read"), Type.Literal("write")])),
    ),
    request_oauth_on_install: Type.Optional(Type.Boolean()),
    setup_on_update: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
);
export type Manifest = Static<typeof Manifest>;

interface Handed {
  readonly code: string;
  readonly app: App;
  readonly clientSecret: string;
  expiresAt: number;
}

export type Manifests = ReturnType<typeof createManifests>;

/** The manifest flow: a form makes an App, and a temporary code shows its secrets once. */
export function createManifests(apps: Apps, made: (app: App) => void) {
  let handed: readonly Handed[] = [];
  return {
    /** Makes the App. Out: the code. */
    make(manifest: Manifest, name: string): string {
      const hook = manifest.hook_attributes;
      const app = apps.make({
        ...{ name, ...grantsOf(manifest) },
        webhookUrl: hook?.active === false ? undefined : hook?.url,
        webhookSecret: randomBytes(20).toString("hex"),
      });
      const code = randomBytes(20).toString("hex");
      const expiresAt = Date.now() + CODE_SECONDS * 1000;
      const clientSecret = randomBytes(20).toString("hex");
      handed = [...handed, { code, app, clientSecret, expiresAt }].slice(-CODES_MAX);
      made(app);
      return code;
    },
    /** What the code shows, this one time. Throws 404. */
    convert(code: string): Handed {
      const found = handed.find((one) => one.code === code);
      handed = handed.filter((one) => one !== found);
      if (!found || found.expiresAt <= Date.now()) throw notFound();
      return found;
    },
    /** Ends the lifetime of every code that is out. */
    runOut(): void {
      for (const one of handed) one.expiresAt = Date.now();
    },
  };
}

/** Why the name that a person gave cannot be one; null if it can. */
export function nameProblem(name: string): string | null {
  if (name.trim() === "") return "Name can't be blank";
  if ([...name].length > NAME_CHARACTERS)
    return `Name is too long (maximum is ${NAME_CHARACTERS} characters)`;
  return UNSEEN.test(name) ? "Name has characters that cannot be seen" : null;
}

/** In: the form's field. Throws 422 with what GitHub would not take. */
export function readManifest(text: string): Manifest {
  let manifest: unknown;
  try {
    manifest = JSON.parse(text);
  } catch {
    throw invalid("The manifest is not JSON.");
  }
  if (!Value.Check(Manifest, manifest)) {
    const errors = Value.Errors(Manifest, manifest).map((one) => `${one.instancePath} ${one.message}`);
    throw invalid(`The manifest is not valid: ${errors.join("; ")}`);
  }
  const urls = [
    ...[manifest.url, manifest.hook_attributes?.url, manifest.redirect_url, manifest.setup_url],
    ...(manifest.callback_urls ?? []),
  ];
  const wrong = urls.find((url) => url !== undefined && !URL.canParse(url));
  if (wrong !== undefined) throw invalid(`The manifest is not valid: ${wrong} is no address.`);
  const { permissions, events } = grantsOf(manifest);
  const unknown = [
    ...Object.keys(permissions).filter((name) => !Object.hasOwn(GRANTED, name)),
    ...events.filter((name) => !APP_EVENTS.includes(name)),
  ];
  if (unknown.length > 0) throw invalid(`This GitHub does not know ${unknown.join(", ")}.`);
  return manifest;
}

function grantsOf({ default_permissions = {}, default_events = [] }: Manifest): Grants {
  // Every App may read metadata.
  return { permissions: { ...default_permissions, metadata: "read" }, events: default_events };
}
