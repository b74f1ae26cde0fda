import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { GetClusterCommand } from "@aws-sdk/client-dsql";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type LocalDsql, startLocalDsql } from "../../support/local-dsql.ts";
import { assume, controlClient, createCluster, roleArn, temporaryDirectory } from "./clients.ts";

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let dsql: LocalDsql;

beforeAll(async () => {
  directory = await temporaryDirectory();
  const flags = { "no-engines": true, "calls-file": join(directory.path, "calls.jsonl") } as const;
  dsql = await startLocalDsql({ directory: join(directory.path, "dsql"), flags });
});

afterAll(async () => {
  await dsql.stop();
  await directory.remove();
});

it("writes each different call once, with the caller's role and the resource's tags", async () => {
  const { identifier, arn } = await createCluster(dsql.ready, { tags: { one: "two" } });
  const client = controlClient(dsql.ready, await assume(dsql.ready, "offshoot-worker"));
  for (let i = 0; i < 2; i += 1) await client.send(new GetClusterCommand({ identifier }));
  client.destroy();
  const lines = (await readFile(join(directory.path, "calls.jsonl"), "utf8")).trimEnd().split("\n");
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
    {
      role: "local-operator",
      action: "dsql:CreateCluster",
      resource: "arn:aws:dsql:us-east-1:000000000000:cluster/*",
    },
    { role: "local-operator", action: "sts:AssumeRole", resource: roleArn("offshoot-worker") },
    { role: "offshoot-worker", action: "dsql:GetCluster", resource: arn, tags: { one: "two" } },
  ]);
});
