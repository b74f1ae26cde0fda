import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { SERVICE_NODE_ARGS, SERVICE_PROCESS_ENV } from "../../local/demo/stack.ts";
import { startInstance } from "../../local/dsql/engine.ts";
import { createClusterControl } from "../../service/adapters/dsql-control.ts";
import { localPlace } from "../support/contract-dsql.ts";
import { type LocalDsql, startLocalDsql } from "../support/local-dsql.ts";
import type { Load, Round } from "./load.ts";
import { type Part, startPart } from "./part.ts";
import { installProbot } from "./probot.ts";
import type { Bench, Line, Result } from "./result.ts";
import { median } from "./statistics.ts";

const CONNECTIONS = 32;
const WARM_UP_MS = 1_500;
const ROUND_MS = 3_000;
const ROUNDS = 5;

/** Postgres as its own defaults have it: every commit waits for the disk. The rest of the template is kept small. */
const DURABLE = {
  fsync: "on",
  synchronous_commit: "on",
  full_page_writes: "on",
  wal_level: "replica",
  shared_buffers: "128MB",
  max_wal_size: "1GB",
  min_wal_size: "80MB",
};

const SERVERS = ["bare", "postgres", "dsql", "probot"] as const;
type Server = (typeof SERVERS)[number];
type Servers = Readonly<Record<Server, Part<{ readonly port: number }>>>;

const NAMES: Readonly<Record<Server, string>> = {
  bare: "a  bare node:http + HMAC, stores nothing",
  postgres: "b  Offshoot, store by plain Postgres URL, durable",
  dsql: "c  Offshoot, store through the local DSQL's front",
  probot: "d  Probot 14, does, stores and logs nothing",
};

/** How many signed deliveries per second four servers take, in turns within one run. */
export async function benchIngest(bench: Bench): Promise<readonly Result[]> {
  const ends: (() => Promise<unknown>)[] = [];
  try {
    const servers = await startServers(bench, ends);
    const load = await startPart<object>("load-process.ts", {}, join(bench.directory, "load.log"));
    ends.push(load.stop);
    const rounds = await measure(bench, load, servers);
    for (const server of ["postgres", "dsql"] as const) await checkStored(servers[server], rounds[server]);
    return [resultOf(rounds)];
  } finally {
    for (const end of ends.reverse()) await end();
  }
}

async function startServers({ directory }: Bench, ends: (() => Promise<unknown>)[]): Promise<Servers> {
  const start = async (
    script: string,
    env: Readonly<Record<string, string>> = {},
    nodeArgs: readonly string[] = [],
  ) => {
    const part = await startPart<{ port: number }>(script, env, join(directory, "servers.log"), nodeArgs);
    ends.push(part.stop);
    return part;
  };
  // Offshoot runs as it is started for use: small rather than as fast as it could.
  const offshoot = (env: Readonly<Record<string, string>>) =>
    start("server-offshoot.ts", { ...SERVICE_PROCESS_ENV, ...env }, SERVICE_NODE_ARGS);
  const aws = { AWS_REGION: "us-east-1", OFFSHOOT_AWS_ACCOUNT: "000000000000" };
  const instance = await startInstance({ directory: join(directory, "postgres"), settings: DURABLE });
  ends.push(instance.stop);
  const local = await startLocalDsql({ directory: join(directory, "dsql") });
  ends.push(local.stop);
  const endpoint = await createStoreCluster(local);
  return {
    bare: await start("server-bare.ts"),
    postgres: await offshoot({ ...aws, OFFSHOOT_STORE_URL: instance.url }),
    dsql: await offshoot({
      ...aws,
      AWS_ACCESS_KEY_ID: "local",
      AWS_SECRET_ACCESS_KEY: "local",
      OFFSHOOT_STORE_URL: `dsql://${endpoint}`,
      OFFSHOOT_DSQL_CONNECT_TO: `${local.ready.frontAddress}:${local.ready.frontPort}`,
      OFFSHOOT_DSQL_CA_FILE: local.ready.caFile,
    }),
    probot: await start("server-probot.ts", { PROBOT_ENTRY: await installProbot() }),
  };
}

/** Out: the host name of a new cluster that answers. */
async function createStoreCluster(local: LocalDsql): Promise<string> {
  const control = createClusterControl(localPlace(local).control);
  try {
    let seen = await control.create({ clientToken: randomUUID(), tags: {} });
    while (seen.kind === "creating") {
      const now = await control.observe(seen.identifier);
      if (now.kind === "unknown" || now.kind === "absent") break;
      seen = now;
    }
    if (seen.kind !== "usable") throw new Error(`The local DSQL gave no cluster: ${JSON.stringify(seen)}`);
    return seen.endpoint;
  } finally {
    control.close();
  }
}

type Rounds = Readonly<Record<Server, readonly Load[]>>;

/** In turns, so that a slow moment of the machine meets all of them. The first load of each warms it up. */
async function measure({ tell }: Bench, load: Part<object>, servers: Servers): Promise<Rounds> {
  const rounds: Record<Server, Load[]> = { bare: [], postgres: [], dsql: [], probot: [] };
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const server of SERVERS) {
      const ms = round === 0 ? WARM_UP_MS : ROUND_MS;
      const order: Round = { port: servers[server].ready.port, connections: CONNECTIONS, ms };
      const found = await load.ask<Load>(order);
      rounds[server].push(found);
      if (round > 0) tell(`round ${round} ${server.padEnd(8)} ${Math.round(found.perSecond)}/s`);
    }
  }
  return rounds;
}

/** An answer of 202 promises a durable row; a benchmark of lost rows would be worth nothing. */
async function checkStored(server: Part<unknown>, rounds: readonly Load[]): Promise<void> {
  const answered = rounds.reduce((sum, load) => sum + load.requests, 0);
  const { count } = await server.ask<{ count: number }>({});
  if (count !== answered) throw new Error(`${answered} deliveries were accepted and ${count} stored`);
}

function resultOf(rounds: Rounds): Result {
  const measured = (server: Server) => rounds[server].slice(1);
  const perSecond = (server: Server) => median(measured(server).map((load) => load.perSecond));
  const ratio = (name: string, one: Server, other: Server, least: number): Line => ({
    name,
    value: perSecond(one) / perSecond(other),
    unit: "x",
    target: { least },
  });
  return {
    benchmark: "ingest",
    lines: [
      ...SERVERS.map((server): Line => ({ name: NAMES[server], value: perSecond(server), unit: "/s" })),
      ...SERVERS.map(
        (server): Line => ({
          name: `   p99 of ${server}`,
          value: median(measured(server).map((load) => load.p99Ms)),
          unit: "ms",
        }),
      ),
      ratio("b / a", "postgres", "bare", 0.33),
      ratio("c / a", "dsql", "bare", 0.22),
      ratio("b / d", "postgres", "probot", 1.1),
    ],
    notes: [
      `${CONNECTIONS} connections, 24 KB payloads, each its own guid, 200 pull requests; medians of ${ROUNDS} rounds of ${ROUND_MS / 1000} s in turns`,
      "b and c are the service's own endpoint, journal, store and log at level info, without its worker, whose steps would ask GitHub",
      "b waits for fsync at every commit; the local DSQL of c does not, and shares the cores",
    ],
  };
}
