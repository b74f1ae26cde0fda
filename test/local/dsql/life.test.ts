import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { DeleteClusterCommand, GetClusterCommand, UpdateClusterCommand } from "@aws-sdk/client-dsql";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type LocalDsql, startLocalDsql } from "../../support/local-dsql.ts";
import { connect, controlClient, createCluster, query, rejection, temporaryDirectory } from "./clients.ts";

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let running: LocalDsql | undefined;

beforeEach(async () => {
  directory = await temporaryDirectory();
});

afterEach(async () => {
  await running?.stop();
  running = undefined;
  await directory.remove();
});

async function start(flags: Record<string, string | number | true> = {}): Promise<LocalDsql> {
  running = await startLocalDsql({ directory: directory.path, flags });
  return running;
}

/** The postmasters of this test's directory. */
async function postmasters(): Promise<string[]> {
  const { stdout } = await promisify(execFile)("ps", ["-eo", "args"]);
  return stdout.split("\n").filter((line) => line.includes(`-D ${directory.path}`));
}

async function activity(local: LocalDsql): Promise<unknown> {
  return (await fetch(`${local.ready.controlUrl}/_local/clusters`)).json();
}

describe("the life of a cluster", () => {
  it("is CREATING for the time given, and refuses deletion and connections meanwhile", async () => {
    const local = await start({ "creating-ms": 3_600_000 });
    const client = controlClient(local.ready);
    const { identifier, endpoint } = await createCluster(local.ready);
    const found = await client.send(new GetClusterCommand({ identifier }));
    const deletion = await rejection(client.send(new DeleteClusterCommand({ identifier })));
    const connection = await rejection(connect(local.ready, endpoint));
    expect(found.status).toBe("CREATING");
    expect(deletion).toMatchObject({ name: "ConflictException", resourceId: identifier });
    expect(connection).toMatchObject({ code: "08006", message: expect.stringContaining("is CREATING") });
  });

  it("is DELETING for the time given, holding its place in the quota", async () => {
    const local = await start({ "deleting-ms": 3_600_000, quota: 1 });
    const client = controlClient(local.ready);
    const { identifier } = await createCluster(local.ready);
    await client.send(new DeleteClusterCommand({ identifier }));
    const found = await client.send(new GetClusterCommand({ identifier }));
    const update = await rejection(
      client.send(new UpdateClusterCommand({ identifier, deletionProtectionEnabled: true })),
    );
    const another = await rejection(createCluster(local.ready));
    expect(found.status).toBe("DELETING");
    expect(update).toMatchObject({ name: "ConflictException" });
    expect(another).toMatchObject({
      name: "ServiceQuotaExceededException",
      resourceType: "cluster",
      resourceId: expect.any(String),
      serviceCode: "dsql",
      quotaCode: expect.any(String),
      $metadata: { httpStatusCode: 402 },
    });
  });

  it("ends its sessions and leaves no data when it is deleted", async () => {
    const local = await start();
    const { identifier, endpoint } = await createCluster(local.ready);
    const session = await connect(local.ready, endpoint);
    await controlClient(local.ready).send(new DeleteClusterCommand({ identifier }));
    const refusal = await rejection(session.query("select 1"));
    expect(refusal).toBeInstanceOf(Error);
    expect(await readdir(join(directory.path, "clusters"))).toEqual([]);
    expect(await postmasters()).toEqual([]);
  });

  it("sleeps without connections and wakes for the next one, with its data", async () => {
    const local = await start({ "idle-stop-ms": 0 });
    const { endpoint } = await createCluster(local.ready);
    await query(local.ready, endpoint, "create table kept (answer int)");
    await query(local.ready, endpoint, "insert into kept values (42)");
    await expect.poll(() => activity(local)).toMatchObject([{ running: false, connections: 0 }]);
    expect(await query(local.ready, endpoint, "select answer from kept")).toEqual([{ answer: 42 }]);
  });

  it("shows whether it runs and who is connected", async () => {
    const local = await start();
    const { endpoint, identifier } = await createCluster(local.ready, { tags: { Name: "seen" } });
    const session = await connect(local.ready, endpoint);
    const shown = await activity(local);
    await session.end();
    const createdAt = expect.stringMatching(/^\d{4}-.*Z$/);
    const state = { status: "ACTIVE", running: true, connections: 1 };
    expect(shown).toEqual([{ identifier, endpoint, tags: { Name: "seen" }, createdAt, ...state }]);
  });
});

describe("without engines", () => {
  it("clusters become ACTIVE and go again, but nobody can connect", async () => {
    const local = await start({ "no-engines": true });
    const client = controlClient(local.ready);
    const { identifier, endpoint } = await createCluster(local.ready);
    const found = await client.send(new GetClusterCommand({ identifier }));
    const refusal = await rejection(connect(local.ready, endpoint));
    await client.send(new DeleteClusterCommand({ identifier }));
    expect(found.status).toBe("ACTIVE");
    expect(refusal).toMatchObject({ code: "XX000", severity: "FATAL", message: "server unavailable" });
    expect(await activity(local)).toEqual([]);
    expect(await postmasters()).toEqual([]);
  });
});

describe("the process", () => {
  it("finds clusters, tags, tokens and data again after a SIGKILL, and stops what was left running", async () => {
    const first = await start();
    const created = await createCluster(first.ready, { clientToken: "once", tags: { Name: "kept" } });
    await query(first.ready, created.endpoint, "create table kept (answer int)");
    await query(first.ready, created.endpoint, "insert into kept values (42)");
    await first.kill();
    const orphans = await postmasters();
    const second = await start();
    const adopted = await postmasters();
    const repeated = await createCluster(second.ready, { clientToken: "once", tags: { Name: "kept" } });
    const rows = await query(second.ready, created.endpoint, "select answer from kept");
    expect(orphans).toHaveLength(1);
    expect(adopted).toEqual([]);
    expect(repeated).toEqual(created);
    expect(rows).toEqual([{ answer: 42 }]);
    expect(await activity(second)).toMatchObject([
      { identifier: created.identifier, tags: { Name: "kept" } },
    ]);
  });

  it("leaves nothing running after SIGTERM, and keeps its authority for the next start", async () => {
    const first = await start();
    const { endpoint } = await createCluster(first.ready);
    const session = await connect(first.ready, endpoint);
    const authority = await readFile(first.ready.caFile, "utf8");
    const code = await first.stop();
    await rejection(session.end());
    const left = await postmasters();
    const second = await start();
    expect(code).toBe(0);
    expect(left).toEqual([]);
    expect(await readFile(second.ready.caFile, "utf8")).toBe(authority);
    expect(await query(second.ready, endpoint, "select 1 as one")).toEqual([{ one: 1 }]);
  });

  it("drops data of clusters that nobody knows", async () => {
    const first = await start();
    const { endpoint } = await createCluster(first.ready);
    await query(first.ready, endpoint, "select 1");
    await first.stop();
    await rm(join(directory.path, "clusters.json"));
    await start();
    expect(await readdir(join(directory.path, "clusters"))).toEqual([]);
  });

  it("refuses a directory that another process uses", async () => {
    await start();
    const refusal = await rejection(startLocalDsql({ directory: directory.path }));
    expect(refusal).toMatchObject({ message: expect.stringContaining("is in use by the process") });
  });

  it("keeps its keys and state to itself", async () => {
    await start();
    for (const name of ["ca-key.pem", "process", "sessions-key"]) {
      expect([name, (await stat(join(directory.path, name))).mode & 0o777]).toEqual([name, 0o600]);
    }
  });

  it("does not touch a state file that it cannot read", async () => {
    const path = join(directory.path, "clusters.json");
    await writeFile(path, "{ not json");
    const digest = async () =>
      createHash("sha256")
        .update(await readFile(path))
        .digest("hex");
    const before = await digest();
    const refusal = await rejection(startLocalDsql({ directory: directory.path }));
    expect(refusal).toMatchObject({ message: expect.stringContaining("is not a state file") });
    expect(await digest()).toBe(before);
  });

  it.each([
    ["quota", "many"],
    ["quota", "10001"],
    ["region", "moon"],
    ["account", "12"],
    ["creating-ms", "-1"],
  ])("refuses a wrong --%s", async (name, value) => {
    const refusal = await rejection(startLocalDsql({ directory: directory.path, flags: { [name]: value } }));
    expect(refusal).toMatchObject({ message: expect.stringContaining(`--${name} ${value}`) });
  });
});
