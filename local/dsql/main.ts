import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { MAX_DELAY_MS, readNumber } from "../flags.ts";
import { runLocal } from "../run.ts";
import { openAuthority } from "./authority.ts";
import { recordCalls } from "./calls.ts";
import { makeConnections } from "./connections.ts";
import { buildControl } from "./control.ts";
import { openEngine } from "./engine.ts";
import { makeFaults } from "./faults.ts";
import { openFront } from "./front.ts";
import { openIamStore } from "./iam-store.ts";
import { noInstances, openInstances } from "./instances.ts";
import { lockDirectory } from "./lock.ts";
import { buildNeighbours } from "./neighbours.ts";
import { openParameters } from "./parameters.ts";
import { openPrincipals } from "./principals.ts";
import { openRegistry, type Registry } from "./registry.ts";
import { openSecretStore } from "./secret-store.ts";

/** What the process prints as one line of JSON when it answers. */
export interface LocalDsqlReady {
  ready: true;
  controlUrl: string;
  /** The endpoint of every client that `neighbours.ts` serves. */
  neighboursUrl: string;
  frontAddress: string;
  frontPort: number;
  caFile: string;
  region: string;
  accountId: string;
}

interface Flags {
  directory: string;
  region: string;
  accountId: string;
  creatingMs: number;
  deletingMs: number;
  quota: number;
  controlPort: number;
  neighboursPort: number;
  frontPort: number;
  idleStopMs: number;
  indexBuildMs: number;
  /** How long a session goes on after a policy began to deny it. */
  policySessionMs: number;
  /** The control plane only: no Postgres is started, and nobody can connect. */
  noEngines: boolean;
  /** The address to listen on; in a container all of them, because ports are published by its own address. */
  listen: string;
  /** A cluster that is there from the start, made by nobody's call: the store of a container's service. */
  storeIdentifier: string | undefined;
  /** Where calls are written, for a test of permissions; none if it is not given. */
  callsFile: string | undefined;
}

/** Where clients reach what listens, whatever it listens on. */
const ADDRESS = "127.0.0.1";
const IDENTIFIER = /^[a-z2-7]{26}$/;

/** As many clusters as AWS may grant an account, and then some; without engines they cost a few hundred bytes each. */
const MAX_QUOTA = 10_000;

function readFlags(args: string[]): Flags {
  const { values } = parseArgs({
    args,
    options: {
      directory: { type: "string" },
      region: { type: "string", default: "us-east-1" },
      account: { type: "string", default: "000000000000" },
      "creating-ms": { type: "string", default: "0" },
      "deleting-ms": { type: "string", default: "0" },
      quota: { type: "string", default: "20" },
      "control-port": { type: "string", default: "0" },
      "neighbours-port": { type: "string", default: "0" },
      "front-port": { type: "string", default: "0" },
      "idle-stop-ms": { type: "string", default: "300000" },
      "index-build-ms": { type: "string", default: "0" },
      "policy-session-ms": { type: "string", default: "60000" },
      "no-engines": { type: "boolean", default: false },
      "calls-file": { type: "string" },
      listen: { type: "string", default: ADDRESS },
      "store-identifier": { type: "string" },
    },
  });
  const { directory, region, account, "store-identifier": storeIdentifier } = values;
  if (!directory) throw new Error("--directory <dir> is required: clusters and their data are kept there");
  if (!/^[a-z]{2}(-[a-z]+)+-\d$/.test(region))
    throw new Error(`--region ${region}: expected a Region such as us-east-1`);
  if (storeIdentifier !== undefined && !IDENTIFIER.test(storeIdentifier))
    throw new Error(`--store-identifier ${storeIdentifier}: expected 26 of a to z and 2 to 7`);
  if (!/^\d{12}$/.test(account)) throw new Error(`--account ${account}: expected 12 digits`);
  return {
    ...{ directory: resolve(directory), region, accountId: account },
    creatingMs: readNumber("creating-ms", values["creating-ms"], MAX_DELAY_MS),
    deletingMs: readNumber("deleting-ms", values["deleting-ms"], MAX_DELAY_MS),
    quota: readNumber("quota", values.quota, MAX_QUOTA),
    controlPort: readNumber("control-port", values["control-port"], 65_535),
    neighboursPort: readNumber("neighbours-port", values["neighbours-port"], 65_535),
    frontPort: readNumber("front-port", values["front-port"], 65_535),
    idleStopMs: readNumber("idle-stop-ms", values["idle-stop-ms"], MAX_DELAY_MS),
    indexBuildMs: readNumber("index-build-ms", values["index-build-ms"], MAX_DELAY_MS),
    policySessionMs: readNumber("policy-session-ms", values["policy-session-ms"], MAX_DELAY_MS),
    noEngines: values["no-engines"],
    callsFile: values["calls-file"],
    ...{ listen: values.listen, storeIdentifier },
  };
}

/** Starts everything of one directory. Out: what to print, and how to stop it all. */
async function start(flags: Flags): Promise<{ ready: LocalDsqlReady; stop(): Promise<void> }> {
  const { directory, region, accountId, callsFile, listen, storeIdentifier } = flags;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  process.once("exit", lockDirectory(directory));
  const registry = openRegistry(flags);
  if (storeIdentifier !== undefined && !registry.lookUp(storeIdentifier)) {
    registry.once(undefined, {}, () => registry.createStore(storeIdentifier));
  }
  const tagsOf = (resource: string) => registry.lookUp(resource.split("/").at(-1) ?? "")?.tags;
  const heard = callsFile === undefined ? undefined : recordCalls(callsFile, tagsOf);
  const principals = openPrincipals(directory, accountId, heard);
  const parameters = openParameters(directory);
  const faults = makeFaults();
  const instances = await startInstances(flags, registry);
  const connections = makeConnections(registry, flags.policySessionMs);
  const identity = await openAuthority(directory, region);
  const shared = { registry, instances, region, accountId, principals, faults };
  const { frontPort, indexBuildMs } = flags;
  const front = await openFront({ ...shared, identity, connections, listen, port: frontPort, indexBuildMs });
  const control = buildControl({
    ...shared,
    activity: instances.activity,
    removed: instances.remove,
    policyChanged: connections.policyChanged,
  });
  const neighbours = buildNeighbours({
    ...{ ...shared, parameters, quota: flags.quota },
    ...{ secrets: openSecretStore(directory), iam: openIamStore(directory) },
  });
  const controlUrl = await control.listen({ host: listen, port: flags.controlPort }).then(reachable);
  const neighboursUrl = await neighbours.listen({ host: listen, port: flags.neighboursPort }).then(reachable);
  const stop = async (): Promise<void> => {
    await Promise.all([control.close(), neighbours.close(), front.close()]);
    await instances.close();
  };
  const addresses = { controlUrl, neighboursUrl, frontAddress: ADDRESS, frontPort: front.port };
  return { ready: { ready: true, ...addresses, caFile: identity.caFile, region, accountId }, stop };
}

function reachable(url: string): string {
  return `http://${ADDRESS}:${new URL(url).port}`;
}

async function startInstances({ directory, idleStopMs, noEngines }: Flags, registry: Registry) {
  if (noEngines) return noInstances(directory);
  const existing = registry.all().filter((cluster) => cluster.status !== "DELETING");
  return openInstances(
    { engine: await openEngine(), directory, idleStopMs },
    existing.map((cluster) => cluster.identifier),
  );
}

await runLocal((args) => start(readFlags(args)));
