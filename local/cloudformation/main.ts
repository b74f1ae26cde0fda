import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { recordCalls } from "../dsql/calls.ts";
import { makeFaults } from "../dsql/faults.ts";
import { lockDirectory } from "../dsql/lock.ts";
import { openPrincipals } from "../dsql/principals.ts";
import { MAX_DELAY_MS, readNumber } from "../flags.ts";
import { runLocal, type Started } from "../run.ts";
import { makeChanges } from "./changes.ts";
import { clusterType } from "./cluster.ts";
import { makeFailures } from "./failures.ts";
import { makeOperations } from "./operations.ts";
import { makeQueries } from "./queries.ts";
import { openRecords } from "./records.ts";
import { roleType } from "./role.ts";
import { makeRunner } from "./runner.ts";
import { buildServer } from "./server.ts";

/** What the process prints as one line of JSON when it answers. */
export interface LocalCloudFormationReady {
  ready: true;
  cloudformationUrl: string;
  region: string;
  accountId: string;
}

interface Flags {
  directory: string;
  /** Where sessions of the local STS are known: the directory of the local DSQL; without it only the permanent key is. */
  principalsDirectory: string;
  /** The control plane of the local DSQL. */
  controlUrl: string;
  region: string;
  accountId: string;
  port: number;
  stepMs: number;
  /** Where calls are written, for a test of permissions; none if it is not given. */
  callsFile: string | undefined;
}

const ADDRESS = "127.0.0.1";

function readFlags(args: string[]): Flags {
  const { values } = parseArgs({
    args,
    options: {
      directory: { type: "string" },
      "principals-directory": { type: "string" },
      "control-url": { type: "string" },
      region: { type: "string", default: "us-east-1" },
      account: { type: "string", default: "000000000000" },
      port: { type: "string", default: "0" },
      "step-ms": { type: "string", default: "0" },
      "calls-file": { type: "string" },
    },
  });
  const { directory, region, account, "control-url": controlUrl } = values;
  if (!directory) throw new Error("--directory <dir> is required: stacks are kept there");
  if (!controlUrl || !URL.canParse(controlUrl)) {
    throw new Error(
      "--control-url <url> is required: the control plane of the local DSQL, which makes the clusters",
    );
  }
  if (!/^\d{12}$/.test(account)) throw new Error(`--account ${account}: expected 12 digits`);
  return {
    ...{ directory: resolve(directory), controlUrl, region, accountId: account },
    principalsDirectory: resolve(values["principals-directory"] ?? directory),
    port: readNumber("port", values.port, 65_535),
    stepMs: readNumber("step-ms", values["step-ms"], MAX_DELAY_MS),
    callsFile: values["calls-file"],
  };
}

/** Starts everything of one directory and goes on with the stacks that were in progress. */
async function start(flags: Flags): Promise<Started & { ready: LocalCloudFormationReady }> {
  const { directory, region, accountId, stepMs, callsFile } = flags;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  process.once("exit", lockDirectory(directory));
  const records = openRecords(directory);
  const changes = makeChanges(records);
  const clusters = clusterType({ url: flags.controlUrl, region });
  const types = { "AWS::DSQL::Cluster": clusters, "AWS::IAM::Role": roleType(accountId) };
  const failures = makeFailures();
  const runner = makeRunner({ records, changes, types, failures, stepMs });
  const operations = makeOperations({ records, changes, types, region, accountId, started: runner.start });
  const heard = callsFile === undefined ? undefined : recordCalls(callsFile, () => undefined);
  const server = buildServer({
    ...{ operations, queries: makeQueries(records), failures, faults: makeFaults(), region, accountId },
    principals: openPrincipals(flags.principalsDirectory, accountId, heard),
  });
  const cloudformationUrl = await server.listen({ host: ADDRESS, port: flags.port });
  runner.resume();
  return {
    ready: { ready: true, cloudformationUrl, region, accountId },
    async stop() {
      await server.close();
      await runner.close();
      clusters.close();
    },
  };
}

await runLocal((args) => start(readFlags(args)));
