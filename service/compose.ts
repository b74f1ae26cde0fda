/** Config in, the wired system out. Reads like a parts list; the only file that knows every adapter. */
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import type { FastifyInstance } from "fastify";
import pg from "pg";
import { createDsqlPool, type DsqlConnectionOptions } from "./adapters/dsql-connection.ts";
import { createClusterControl } from "./adapters/dsql-control.ts";
import { createCredentials } from "./adapters/dsql-credentials.ts";
import { createDatabases } from "./adapters/dsql-databases.ts";
import { createTokenSigner } from "./adapters/dsql-token.ts";
import { createGitHub } from "./adapters/github.ts";
import { createJobTokens } from "./adapters/job-tokens.ts";
import { createLog } from "./adapters/log.ts";
import { createParameters } from "./adapters/parameters.ts";
import { secrets } from "./adapters/secrets.ts";
import { createSignIn } from "./adapters/sign-in.ts";
import { createSplitter } from "./adapters/splitter.ts";
import { createDatabase } from "./adapters/store/database.ts";
import { createJournal } from "./adapters/store/journal.ts";
import { checkStoreVersion, type StoreFlavour } from "./adapters/store/schema.ts";
import { createStore } from "./adapters/store/store.ts";
import type { Config, StoreConfig } from "./config.ts";
import { AGE_DAYS, CALL_TIMEOUT_MS } from "./domain/limits.ts";
import { createApiHandlers } from "./handlers/api.ts";
import { createAuthenticate } from "./handlers/authenticate.ts";
import type { Context, Policy } from "./handlers/context.ts";
import { startForgetting } from "./handlers/forget.ts";
import type { Chance, Clock, Log } from "./handlers/ports.ts";
import type { ApiContext, TokenSigner } from "./handlers/ports-api.ts";
import type { Store } from "./handlers/ports-store.ts";
import { beginLogin, exchangeJobToken, pollLogin } from "./handlers/sessions.ts";
import { startWorker, type Worker } from "./handlers/worker.ts";
import type { ApiDeps } from "./http/api.ts";
import { buildApp } from "./http/app.ts";
import { createVerifier } from "./http/signature.ts";

/** Connections to the store: one per step that runs at a time, the journal's, and one to spare. */
const STORE_CONNECTIONS = 12;
/** Steps at a time: they wait on AWS and GitHub far more than they compute. */
const STEPS_AT_ONCE = 8;
/** A store that hangs must not hold a step, and the worker with it, for longer than one that is away. */
const CONNECT_TIMEOUT_MS = 10_000;
const DAY_MS = 86_400_000;

const clock: Clock = { now: () => new Date() };
const chance: Chance = { number: () => Math.random(), bytes: (count) => randomBytes(count) };

/** The wired service. `start` listens and works; `close` ends both gracefully. */
export interface System {
  readonly app: FastifyInstance;
  readonly log: Log;
  start(): Promise<void>;
  close(): Promise<void>;
}

/** The pool of the store, with the flavour of Postgres behind it. */
export function openStore(config: StoreConfig): { pool: pg.Pool; store: Store; flavour: StoreFlavour } {
  const pool = openPool(config);
  return { pool, store: createStore(createDatabase(pool)), flavour: config.store.kind };
}

/** Wires everything; nothing is contacted before `start`. */
export async function compose(config: Config): Promise<System> {
  const log = createLog({ level: config.log.level, secrets: config.github.webhookSecrets });
  const pool = openPool(config);
  const database = createDatabase(pool);
  let worker: Worker | null = null;
  let stopForgetting = () => {};
  const nudge = { nudge: () => worker?.nudge() };
  const splitter = createSplitter();
  const connection = connectionOf(config);
  const { region, credentials } = connection;
  const endpoint = config.aws.dsqlEndpoint;
  const control = createClusterControl({ region, credentials, ...(endpoint ? { endpoint } : {}) });
  const parameters = parametersOf(config, connection);
  const signer = signerOf(config, connection);
  const context: Context = {
    store: createStore(database),
    clock,
    chance,
    control,
    databases: createDatabases(connection),
    splitter,
    github: createGitHub({ ...config.github, appUserAgent: "offshoot" }),
    parameters,
    log,
    nudge,
    policy: policyOf(config),
  };
  const app = buildApp({
    api: apiOf(config, context, signer),
    trustedProxies: config.api.trustedProxies,
    appId: config.github.appId,
    host: config.github.host,
    verify: createVerifier(config.github.webhookSecrets),
    journal: createJournal(database, clock),
    ready: async () => void (await pool.query("select 1")),
    nudge,
    log,
  });
  return {
    app,
    log,
    async start() {
      await checkStoreVersion(pool);
      const address = await app.listen({ host: config.http.host, port: config.http.port });
      worker = startWorker(context, STEPS_AT_ONCE);
      stopForgetting = startForgetting(context);
      log.info({ address }, "listening");
    },
    async close() {
      stopForgetting();
      await app.close();
      await worker?.stop();
      await splitter.close();
      control.close();
      parameters?.close();
      signer?.close();
      await database.close();
    },
  };
}

/** What the API has besides: who asks, and tokens. */
function apiOf(config: Config, context: Context, signer: TokenSigner | null): ApiDeps {
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

function openPool(config: StoreConfig): pg.Pool {
  const { store } = config;
  if (store.kind === "postgres") {
    return new pg.Pool({
      connectionString: store.url,
      max: STORE_CONNECTIONS,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      query_timeout: CALL_TIMEOUT_MS,
      keepAlive: true,
    });
  }
  return createDsqlPool({ ...connectionOf(config), host: store.host, max: STORE_CONNECTIONS });
}

function connectionOf({ aws }: StoreConfig): DsqlConnectionOptions {
  const { region, connectTo } = aws;
  const local = connectTo && {
    connectTo: { host: connectTo.address, port: connectTo.port },
    ca: readFileSync(connectTo.caFile, "utf8"),
  };
  return { region, credentials: createCredentials(), ...local };
}

/** Null unless a prefix says that parameters are kept. */
function parametersOf({ access }: Config, { region, credentials }: DsqlConnectionOptions) {
  if (access.parameterPrefix === null) return null;
  const { ssmEndpoint: endpoint } = access;
  return createParameters({ region, credentials, ...(endpoint ? { endpoint } : {}) });
}

/** Null unless a role says who signs. */
function signerOf({ access }: Config, { region, credentials }: DsqlConnectionOptions) {
  const { tokenRoleArn: roleArn, stsEndpoint: endpoint } = access;
  if (roleArn === null) return null;
  return createTokenSigner({ region, credentials, roleArn, ...(endpoint ? { endpoint } : {}) });
}

/** A command of this installation's own, as of the demo, stands in for the published command line. */
function signInUrlOf({ api, access, connect }: Config): string | null {
  const works = api.githubClientId !== null && access.tokenRoleArn !== null && connect.command === null;
  return works ? api.publicUrl : null;
}

function policyOf(config: Config): Policy {
  const { aws, limits, connect, github } = config;
  return {
    account: aws.account,
    region: aws.region,
    maxClusters: limits.maxClusters,
    quota: limits.clusterQuota,
    reserve: limits.slotReserve,
    caps: { perAuthor: limits.environmentsPerAuthor, perRepository: limits.environmentsPerRepository },
    leaseMs: limits.leaseMs,
    grace: { previewMs: limits.graceMs, tenantMs: limits.tenantGraceMs },
    idleMs: limits.idleMs,
    ageMs: AGE_DAYS * DAY_MS,
    migrationsDirectory: config.migrations.directory,
    webUrl: github.webUrl,
    connect: {
      to: aws.connectTo,
      command: connect.command,
      environment: connect.environment,
      signInUrl: signInUrlOf(config),
    },
    access: config.access,
    parameterPrefix: config.access.parameterPrefix,
  };
}
