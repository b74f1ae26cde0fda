import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GetParameterCommand, ParameterNotFound, SSMClient } from "@aws-sdk/client-ssm";
import { afterAll, beforeAll, expect, it } from "vitest";
import { queryOnce, readConnection } from "../../local/demo/connection.ts";
import { openPull, waitFor, waitForReport } from "../../local/demo/pull.ts";
import { LOCAL_CREDENTIALS, type Stack, startStack } from "../../local/demo/stack.ts";

const SHOP = "acme/shop";

let stack: Stack;
let directory = "";
let ssm: SSMClient;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "offshoot-e2e-"));
  const serviceEnv = { OFFSHOOT_PARAMETER_PREFIX: "/offshoot", OFFSHOOT_GRACE_HOURS: "0" };
  stack = await startStack({ directory, serviceEnv });
  const { region, neighboursUrl: endpoint } = stack.dsql;
  ssm = new SSMClient({ region, endpoint, credentials: LOCAL_CREDENTIALS });
});

afterAll(async () => {
  ssm?.destroy();
  await stack?.stop();
  await rm(directory, { recursive: true, force: true });
});

/** Null if there is no such parameter. */
async function readParameter(Name: string): Promise<Record<string, unknown> | null> {
  try {
    const { Parameter } = await ssm.send(new GetParameterCommand({ Name }));
    return JSON.parse(Parameter?.Value ?? "null");
  } catch (error) {
    if (error instanceof ParameterNotFound) return null;
    throw error;
  }
}

const nothing = async () => "";

it("an application finds the database of its pull request by name, until the pull request is closed", async () => {
  const files = { "migrations/0003_found.sql": "CREATE TABLE found (id bigint PRIMARY KEY);\n" };
  const change = { author: "wendy", title: "Found", branch: "found", files };
  const pull = await openPull(stack.github.pageUrl, SHOP, change);
  const { body } = await waitForReport(pull, /Database ready/);
  const name = `/offshoot/acme/shop/pull/${pull.number}/shop`;
  const found = await waitFor("the parameter", 20_000, () => readParameter(name), nothing);
  const connection = readConnection(body);
  expect(found).toMatchObject({ host: connection.host, user: "admin", database: "postgres" });
  expect(await queryOnce(connection, "SELECT count(*)::int AS n FROM found")).toEqual([{ n: 0 }]);
  await pull.close("alice");
  await waitFor("its end", 60_000, async () => ((await readParameter(name)) === null ? true : null), nothing);
}, 120_000);
