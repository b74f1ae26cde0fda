/** The parts of compose.ts that are chosen by the configuration: how the store is reached, and what may be left out. */
import { readFileSync } from "node:fs";
import pg from "pg";
import { createStackControl } from "./adapters/cloudformation.ts";
import { createDsqlPool, type DsqlConnectionOptions } from "./adapters/dsql-connection.ts";
import { createClusterControl } from "./adapters/dsql-control.ts";
import { createCredentials } from "./adapters/dsql-credentials.ts";
import { createTokenSigner } from "./adapters/dsql-token.ts";
import { createEpochFile } from "./adapters/epoch-file.ts";
import { createEpochParameter } from "./adapters/epoch-parameter.ts";
import { createLog } from "./adapters/log.ts";
import { createParameters } from "./adapters/parameters.ts";
import { createQueue } from "./adapters/queue.ts";
import { createDatabase } from "./adapters/store/database.ts";
import { grantStoreRole } from "./adapters/store/role.ts";
import { migrateStore, type StoreFlavour } from "./adapters/store/schema.ts";
import { createStore } from "./adapters/store/store.ts";
import type { Config, StoreConfig } from "./config.ts";
import { ADMIN_ROLE } from "./domain/access.ts";
import { storeName } from "./domain/epoch.ts";
import { Refused } from "./domain/errors.ts";
import { AGE_DAYS, CALL_TIMEOUT_MS } from "./domain/limits.ts";
import type { BrakeContext } from "./handlers/brake.ts";
import type { Policy } from "./handlers/context.ts";
import type { Clock, Log } from "./handlers/ports.ts";
import type { TokenSigner } from "./handlers/ports-api.ts";
import type { EpochKeeper } from "./handlers/ports-brake.ts";
import type { Queue } from "./handlers/ports-queue.ts";
import type { Store } from "./handlers/ports-store.ts";

/** Connections to the store: one per step that runs at a time, the journal's, and one to spare. */
const STORE_CONNECTIONS = 12;
/** A store that hangs must not hold a step, and the worker with it, for longer than one that is away. */
const CONNECT_TIMEOUT_MS = 10_000;
const DAY_MS = 86_400_000;

export function logOf({ log, github }: Config): Log {
  return createLog({ level: log.level, secrets: github.webhookSecrets });
}

/** The pool of the store, with the flavour of Postgres behind it. */
export function openStore(config: StoreConfig): { pool: pg.Pool; store: Store; flavour: StoreFlavour } {
  const pool = openPool(config);
  return { pool, store: createStore(createDatabase(pool)), flavour: config.store.kind };
}

/**
 * The deploy step: the store's schema and, where the service works as a role of its own, that role. As the store's admin, which
 * nothing else has to be. Out: the names of the migrations that were applied, in order. Idempotent. Throws Refused, or what the
 * store answers.
 */
export async function prepareStore(config: StoreConfig): Promise<readonly string[]> {
  const { store } = config;
  const role = store.kind === "dsql" && store.role !== ADMIN_ROLE ? store : null;
  if (role?.iamRoles.length === 0) {
    const next = "Set OFFSHOOT_STORE_IAM_ROLES to the IAM roles of the service.";
    throw new Refused("configuration", `Nobody would be let into the store as ${role.role}. ${next}`);
  }
  const pool = openPool({ ...config, store: role ? { ...role, role: ADMIN_ROLE } : store });
  try {
    const applied = await migrateStore(pool, store.kind);
    if (role) await grantStoreRole(pool, role);
    return applied;
  } finally {
    await pool.end();
  }
}

/** A pool on the store of at most `max` connections, as the role that the service works as. */
export function openPool(config: StoreConfig, max: number = STORE_CONNECTIONS): pg.Pool {
  const { store } = config;
  if (store.kind === "postgres") {
    return new pg.Pool({
      connectionString: store.url,
      max,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      query_timeout: CALL_TIMEOUT_MS,
      keepAlive: true,
    });
  }
  const { host, role: user } = store;
  return createDsqlPool({ ...connectionOf(config), host, user, max });
}

export function connectionOf({ aws }: StoreConfig): DsqlConnectionOptions {
  const { region, connectTo } = aws;
  const local = connectTo && {
    connectTo: { host: connectTo.address, port: connectTo.port },
    ca: readFileSync(connectTo.caFile, "utf8"),
  };
  return { region, credentials: createCredentials(), ...local };
}

/** DSQL's control plane. */
export function clusterControlOf(
  { aws, clusters }: Pick<Config, "aws" | "clusters">,
  { region, credentials }: Pick<DsqlConnectionOptions, "region" | "credentials">,
) {
  const { extraTags, kmsKeyArn } = clusters;
  const { dsqlEndpoint: endpoint } = aws;
  return createClusterControl({
    region,
    credentials,
    extraTags,
    kmsKeyArn,
    ...(endpoint ? { endpoint } : {}),
  });
}

/** CloudFormation's, which clusters that stacks made need whatever is wanted of new ones. */
export function stackControlOf(
  { clusters }: Pick<Config, "clusters">,
  { region, credentials }: Pick<DsqlConnectionOptions, "region" | "credentials">,
) {
  const { stacks, extraTags, kmsKeyArn } = clusters;
  const { roleArn, boundaryArn, endpoint } = stacks;
  const policy = { boundaryArn, kmsKeyArn, extraTags };
  return createStackControl({ region, credentials, roleArn, policy, ...(endpoint ? { endpoint } : {}) });
}

/** What the restore brake compares. */
export function brakeContextOf(config: StoreConfig, store: Store, clock: Clock, log: Log): BrakeContext {
  return { store, clock, log, keeper: epochKeeperOf(config), storeName: storeName(config.store) };
}

/** Null unless a place outside the store is named. */
function epochKeeperOf(config: StoreConfig): EpochKeeper | null {
  const { epoch } = config;
  if (epoch === null) return null;
  if (epoch.kind === "file") return createEpochFile(epoch.path);
  const { region, credentials } = connectionOf(config);
  const { name, endpoint } = epoch;
  return createEpochParameter({ name, region, credentials, ...(endpoint ? { endpoint } : {}) });
}

/** Also where no prefix is set: parameters that were made under an earlier one are removed. */
export function parametersOf({ access, clusters }: Config, { region, credentials }: DsqlConnectionOptions) {
  const { ssmEndpoint: endpoint } = access;
  const { extraTags } = clusters;
  return createParameters({ region, credentials, extraTags, ...(endpoint ? { endpoint } : {}) });
}

/** Null unless a role says who signs. */
export function signerOf(
  { access }: Config,
  { region, credentials }: DsqlConnectionOptions,
  log: Log,
): (TokenSigner & { close(): void }) | null {
  const { tokenRoleArn, tenantTokenRoleArn, stsEndpoint: endpoint } = access;
  if (tokenRoleArn === null) return null;
  const signerFor = (roleArn: string) =>
    createTokenSigner({ region, credentials, roleArn, log, ...(endpoint ? { endpoint } : {}) });
  const preview = signerFor(tokenRoleArn);
  const tenant = tenantTokenRoleArn === undefined ? preview : signerFor(tenantTokenRoleArn);
  return {
    sign: ({ kind, ...request }) => (kind === "tenant" ? tenant : preview).sign(request),
    close() {
      preview.close();
      tenant.close();
    },
  };
}

/** A command of this installation's own, as of the demo, stands in for the published command line. */
function signInUrlOf({ api, access, connect }: Config): string | null {
  const works = api.githubClientId !== null && access.tokenRoleArn !== null && connect.command === null;
  return works ? api.publicUrl : null;
}

export function policyOf(config: Config): Policy {
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
      to: connect.to ?? aws.connectTo,
      command: connect.command,
      environment: connect.environment,
      signInUrl: signInUrlOf(config),
    },
    access: config.access,
    stacks: config.clusters.stacks,
    parameterPrefix: config.access.parameterPrefix,
  };
}

/** Null unless a queue is named. */
export function queueOf({ queue }: Config, { region, credentials }: DsqlConnectionOptions): Queue | null {
  if (queue.url === null) return null;
  const { url, endpoint } = queue;
  return createQueue({ region, credentials, url, ...(endpoint ? { endpoint } : {}) });
}
