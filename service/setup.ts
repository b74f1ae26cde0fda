/** A service without a GitHub App: what it reads, and the parts of the set-up that makes it one. */
import { randomBytes } from "node:crypto";
import type { FastifyInstance } from "fastify";
import { createCredentials } from "./adapters/dsql-credentials.ts";
import { createApps } from "./adapters/github-apps.ts";
import { createLog } from "./adapters/log.ts";
import { createSecretFile } from "./adapters/secret-file.ts";
import { secrets } from "./adapters/secrets.ts";
import { createSecretsManager } from "./adapters/secrets-manager.ts";
import type { SetupConfig } from "./config.ts";
import type { Environment } from "./config-shape.ts";
import { missingGrantsText } from "./domain/app-permissions.ts";
import { Refused } from "./domain/errors.ts";
import { type MadeApp, PAIR, type Pairs, SETUP_PAIRS } from "./domain/setup.ts";
import type { Log } from "./handlers/ports.ts";
import type { SecretBook } from "./handlers/ports-setup.ts";
import { beginSetup, finishSetup, proveDelivery, type SetupContext } from "./handlers/setup.ts";
import { buildSetupApp } from "./http/setup-app.ts";
import { createVerifier, type Verify } from "./http/signature.ts";

export interface SetupSystem {
  readonly app: FastifyInstance;
  readonly log: Log;
  /** `made`: the App was made and the last page has left, so the service may be composed from its secrets. */
  readonly ended: Promise<"made" | "closed">;
  start(): Promise<void>;
  close(): Promise<void>;
}

/** The book that the variables name, or null. Throws Refused if they name two, or a secret without a Region. */
export function openSecretBook(env: Environment): SecretBook | null {
  const file = env["OFFSHOOT_SECRETS_FILE"];
  const arn = env["OFFSHOOT_SECRETS_ARN"];
  const region = env["AWS_REGION"];
  const endpoint = env["OFFSHOOT_SECRETS_ENDPOINT"];
  if (file && arn) {
    const text =
      "OFFSHOOT_SECRETS_FILE and OFFSHOOT_SECRETS_ARN are both set; only one can hold the secrets.";
    throw new Refused("configuration", text);
  }
  if (file) return createSecretFile(file);
  if (!arn) return null;
  if (!region) throw new Refused("configuration", "OFFSHOOT_SECRETS_ARN is set, and AWS_REGION is not.");
  return createSecretsManager({ arn, region, endpoint, credentials: createCredentials() });
}

/** The variables with those of the book. A variable that is set counts more than the book. */
export async function withSecrets(env: Environment): Promise<Environment> {
  const book = openSecretBook(env);
  return book ? merged(env, (await book.read()).pairs) : env;
}

function merged(env: Environment, pairs: Pairs): Environment {
  const kept = Object.entries(pairs).filter(([name]) => !SETUP_PAIRS.includes(name));
  // An empty variable is one that is not set, as it is to the configuration.
  const given = Object.entries(env).filter(([, value]) => value?.trim());
  return Object.fromEntries([...kept, ...given]);
}

/** Whether there is no GitHub App, and a book in which set-up can keep one. */
export function needsSetup(env: Environment): boolean {
  return !env[PAIR.appId] && Boolean(env["OFFSHOOT_SECRETS_FILE"] || env["OFFSHOOT_SECRETS_ARN"]);
}

/** Wires the set-up; nothing is contacted before `start`. */
export function composeSetup(config: SetupConfig, book: SecretBook): SetupSystem {
  const { publicUrl, http, github } = config;
  const log = createLog({ level: config.log.level });
  const apps = createApps({ ...github, appUserAgent: "offshoot", log });
  const context: SetupContext = {
    ...{ book, apps, secrets, log, publicUrl, webUrl: github.webUrl },
    clock: { now: () => new Date() },
    chance: { number: () => Math.random(), bytes: (count) => randomBytes(count) },
  };
  let verify: Verify = async () => false;
  const closing = new AbortController();
  const { promise: ended, resolve } = Promise.withResolvers<"made" | "closed">();
  const app = buildSetupApp({
    ...{ publicUrl, host: github.host, log, done: () => resolve("made") },
    verify: (body, signature) => verify(body, signature),
    begin: (code, organization) => beginSetup(context, code, organization),
    async finish(given) {
      const made = await finishSetup(context, given);
      verify = createVerifier([made.webhookSecret]);
      return made;
    },
    prove: (made) => proveDelivery(context, made, closing.signal),
    lacking: (made) => lackingOf(context, made),
  });
  return {
    ...{ app, log, ended },
    async start() {
      const address = await app.listen({ host: http.host, port: http.port });
      log.info({ address, publicUrl }, "listening");
      log.warn({}, "there is no GitHub App yet: `offshoot setup-code` prints the link that makes it");
    },
    async close() {
      closing.abort();
      await app.close();
      resolve("closed");
    },
  };
}

/** What a fresh App lacks: somebody may have changed the form. Null also if GitHub does not say. */
async function lackingOf({ apps, log }: SetupContext, made: MadeApp): Promise<string | null> {
  try {
    const grants = await apps.grants(made);
    return grants && missingGrantsText(grants);
  } catch (error) {
    log.warn({ cause: String(error) }, "the App's permissions could not be read");
    return null;
  }
}
