/** Config in, the wired system out. Reads like a parts list; with compose-parts.ts the only file that knows every adapter. */
import { randomBytes } from "node:crypto";
import type { FastifyInstance } from "fastify";
import type pg from "pg";
import { createDatabases } from "./adapters/dsql-databases.ts";
import { createGitHub } from "./adapters/github.ts";
import { createApps } from "./adapters/github-apps.ts";
import { createRedelivery } from "./adapters/github-deliveries.ts";
import { createJobTokens } from "./adapters/job-tokens.ts";
import { createMeasure } from "./adapters/measure.ts";
import { secrets } from "./adapters/secrets.ts";
import { createSignIn } from "./adapters/sign-in.ts";
import { createSplitter } from "./adapters/splitter.ts";
import { createDatabase } from "./adapters/store/database.ts";
import { createJournal } from "./adapters/store/journal.ts";
import { checkStoreVersion } from "./adapters/store/schema.ts";
import { createStore } from "./adapters/store/store.ts";
import {
  brakeContextOf,
  clusterControlOf,
  connectionOf,
  logOf,
  openPool,
  parametersOf,
  policyOf,
  queueOf,
  signerOf,
  stackControlOf,
} from "./compose-parts.ts";
import type { Config } from "./config.ts";
import { announcing } from "./handlers/announce.ts";
import { createApiHandlers } from "./handlers/api.ts";
import { watchApp } from "./handlers/app-watch.ts";
import { createAuthenticate } from "./handlers/authenticate.ts";
import { createBrake } from "./handlers/brake.ts";
import { ensureChores } from "./handlers/chores.ts";
import type { BaseContext, Context } from "./handlers/context.ts";
import type { Chance, Clock, Log, Nudge } from "./handlers/ports.ts";
import type { ApiContext, TokenSigner } from "./handlers/ports-api.ts";
import type { Announce, Queue } from "./handlers/ports-queue.ts";
import { beginLogin, exchangeJobToken, pollLogin } from "./handlers/sessions.ts";
import { startWorker, type Worker } from "./handlers/worker.ts";
import type { ApiDeps } from "./http/api.ts";
import { buildApp } from "./http/app.ts";
import type { WebhookDeps } from "./http/delivery.ts";
import { createVerifier } from "./http/signature.ts";

/** Steps at a time: they wait on AWS and GitHub far more than they compute. */
const STEPS_AT_ONCE = 8;
/** A function answers one request at a time: its transaction's connection, and one to spare. */
const FUNCTION_CONNECTIONS = 2;

const clock: Clock = { now: () => new Date() };
const chance: Chance = { number: () => Math.random(), bytes: (count) => randomBytes(count) };
const silent: Nudge = { nudge: () => {} };

/** The wired service as one process. `start` listens and works; `close` ends both gracefully. */
export interface System {
  readonly app: FastifyInstance;
  readonly log: Log;
  start(): Promise<void>;
  close(): Promise<void>;
}

/** Wires the whole service; nothing is contacted before `start`. */
export async function compose(config: Config): Promise<System> {
  let worker: Worker | null = null;
  const nudge = { nudge: () => worker?.nudge() };
  const pool = openPool(config);
  const base = composeBase(config, nudge, pool);
  const { context, close } = composeSteps(config, base);
  const { app, warnings } = composeApp(config, base, nudge, pool);
  return {
    app,
    log: context.log,
    async start() {
      const newer = await checkStoreVersion(pool);
      if (newer.length > 0)
        context.log.info({ newer }, "the store is of a later version that this one works with");
      warnOfRestores(config, context.log);
      const address = await app.listen({ host: config.http.host, port: config.http.port });
      await ensureChores(context.store, clock.now());
      worker = startWorker(context, STEPS_AT_ONCE);
      context.log.info({ address }, "listening");
      // What they find is logged, also where nobody asks /readyz.
      warnings();
    },
    async close() {
      await app.close();
      await worker?.stop();
      await close();
    },
  };
}

/** What answers HTTP, for a function: the app, whose commits are announced once the queue can be told. */
export function composeHttp(config: Config, announce: Announce): { app: FastifyInstance; pool: pg.Pool } {
  const pool = openPool(config, FUNCTION_CONNECTIONS);
  const { app } = composeApp(config, composeBase(config, silent, pool, announce), silent, pool, announce);
  return { app, pool };
}

/** What answers webhooks and nothing else: the least that a function has to load. */
export function composeWebhook(config: Config, announce: Announce): WebhookDeps {
  return webhookOf(config, logOf(config), silent, openPool(config, FUNCTION_CONNECTIONS), announce);
}

/** What works on wakeups, for a function: no HTTP. Throws if no queue is configured. */
export function composeWorker(config: Config): { context: Context; queue: Queue; pool: pg.Pool } {
  const pool = openPool(config);
  const { context } = composeSteps(config, composeBase(config, silent, pool));
  return { context, queue: composeQueue(config), pool };
}

/** The queue of hints. Throws if none is configured. */
export function composeQueue(config: Config): Queue {
  const queue = queueOf(config, connectionOf(config));
  if (!queue) throw new Error("The functions need OFFSHOOT_QUEUE_URL.");
  return queue;
}

function composeApp(
  config: Config,
  { context, signer }: Base,
  nudge: Nudge,
  pool: pg.Pool,
  announce?: Announce,
) {
  const apps = createApps({ ...appOf(config), log: context.log });
  const lacking = watchApp({ apps, clock, log: context.log }, config.github);
  const warnings = () => [context.brake?.known() ?? null, lacking()].filter((line) => line !== null);
  const app = buildApp({
    ...webhookOf(config, context.log, nudge, pool, announce),
    api: apiOf(config, context, signer),
    trustedProxies: config.api.trustedProxies,
    async ready() {
      await pool.query("select 1");
      // While the epoch cannot be read webhooks can still be taken.
      await context.brake?.engaged().catch(() => null);
    },
    warnings,
  });
  return { app, warnings };
}

type Base = ReturnType<typeof composeBase>;

/** What the API needs, and the steps as well. */
function composeBase(config: Config, nudge: Nudge, pool: pg.Pool, announce?: Announce) {
  const database = createDatabase(pool);
  const store = createStore(database);
  const log = logOf(config);
  const braking = brakeContextOf(config, store, clock, log);
  const connection = connectionOf(config);
  const control = clusterControlOf(config, connection);
  const signer = signerOf(config, connection, log);
  const context: BaseContext = {
    store: announce ? announcing(store, announce) : store,
    brake: createBrake(braking),
    clock,
    chance,
    control,
    github: createGitHub(appOf(config)),
    log,
    nudge,
    policy: policyOf(config),
  };
  const close = async () => {
    control.close();
    braking.keeper?.close();
    signer?.close();
    await database.close();
  };
  return { context, signer, connection, close };
}

/** What the steps need besides. */
function composeSteps(config: Config, base: Base) {
  const { connection } = base;
  const stacks = stackControlOf(config, connection);
  const parameters = parametersOf(config, connection);
  const splitter = createSplitter();
  const context: Context = {
    ...base.context,
    stacks,
    databases: createDatabases(connection),
    splitter,
    redelivery: createRedelivery(appOf(config)),
    parameters,
    measure: createMeasure(),
  };
  const close = async () => {
    await splitter.close();
    stacks.close();
    parameters.close();
    await base.close();
  };
  return { context, close };
}

/** The App as its calls to GitHub need it. */
function appOf({ github }: Config) {
  return { ...github, appUserAgent: "offshoot" };
}

function warnOfRestores({ epoch }: Config, log: Log): void {
  if (epoch !== null) return;
  const next = "Set OFFSHOOT_EPOCH_PARAMETER or OFFSHOOT_EPOCH_FILE.";
  log.warn({ reason: "epoch_missing" }, `A restore of the store would not be noticed. ${next}`);
}

function webhookOf(
  { github }: Config,
  log: Log,
  nudge: Nudge,
  pool: pg.Pool,
  announce?: Announce,
): WebhookDeps {
  const { appId, host, webhookSecrets } = github;
  const journal = createJournal(createDatabase(pool), clock, announce);
  return { appId, host, verify: createVerifier(webhookSecrets), journal, nudge, log };
}

/** What the API has besides: who asks, and tokens. */
function apiOf(config: Config, context: BaseContext, signer: TokenSigner | null): ApiDeps {
  const { api, github } = config;
  const { publicUrl, oidcIssuers, githubClientId } = api;
  const { host, webUrl, apiUrl } = github;
  const whole: ApiContext = {
    ...context,
    ...{ host, publicUrl, secrets, signer },
    jobTokens: oidcIssuers.length > 0 ? createJobTokens({ issuers: oidcIssuers, audience: publicUrl }) : null,
    signIn: githubClientId ? createSignIn({ clientId: githubClientId, webUrl, apiUrl, host }) : null,
  };
  return {
    handlers: createApiHandlers(whole),
    authenticate: createAuthenticate(whole),
    access: {
      exchangeJobToken: (token) => exchangeJobToken(whole, token),
      beginLogin: () => beginLogin(whole),
      pollLogin: (deviceCode) => pollLogin(whole, deviceCode),
    },
    ...{ publicUrl, webUrl, log: context.log },
  };
}
