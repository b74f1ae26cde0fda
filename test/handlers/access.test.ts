import { describe, expect, it } from "vitest";
import { type AccessRule, READER_ROLE } from "../../service/domain/access.ts";
import { Refused, Retryable } from "../../service/domain/errors.ts";
import type { Context } from "../../service/handlers/context.ts";
import { NOW, SEEN } from "../domain/builders.ts";
import { eachStore } from "../support/each-store.ts";
import type { TestStore } from "../support/store.ts";
import { createScene, POLICY, type Scene } from "./scene.ts";

const SIGNER = "arn:aws:iam::111122223333:role/offshoot-token";
const DEVELOPERS = "arn:aws:iam::111122223333:role/developers";
const READER = { databaseRole: READER_ROLE, iamRole: SIGNER };
const APP = { databaseRole: "app", iamRole: DEVELOPERS };
const RULE: AccessRule = { repositories: ["acme/shop"], tenants: null, ...APP };

let store: TestStore;
let scene: Scene;
eachStore((empty) => {
  store = empty;
  scene = createScene(store);
});

/** The operator's list from now on, as after a start with other variables. */
function setAccess(rules: readonly AccessRule[], tokenRoleArn: string | null = SIGNER) {
  const policy: Context["policy"] = { ...POLICY, access: { rules, tokenRoleArn } };
  Object.assign(scene.context, { policy });
}

async function given() {
  await scene.given({ servingId: "cl_1" }, { id: "cl_1", status: "available", ...SEEN });
}
async function givenReady(...rules: readonly AccessRule[]) {
  setAccess(rules);
  await given();
  await step();
  await step();
  scene.databases.mapped = [];
  scene.databases.readers = [];
  scene.databases.verified = [];
}
const step = () => scene.run("environment", "env_1");
const cluster = () => store.store.cluster("cl_1");

describe("access to a database", () => {
  it("is mapped before the first statement, and read from all of what the last one left", async () => {
    setAccess([RULE]);
    await given();
    let mappedBefore = -1;
    let readBefore = -1;
    scene.databases.before = async () => {
      mappedBefore = scene.databases.mapped.length;
      readBefore = scene.databases.readers.length;
    };
    await step();
    expect([mappedBefore, readBefore]).toEqual([1, 0]);
    expect(scene.databases.mapped).toEqual([{ grants: [APP, READER], formerRoles: [] }]);
    expect(scene.databases.readers).toEqual([READER_ROLE]);
    await step();
    expect(scene.databases.verified).toEqual([[APP, READER]]);
    expect(await cluster()).toMatchObject({ verifiedGeneration: 1 });
  });

  it("is mapped also when there is nothing to migrate", async () => {
    setAccess([RULE]);
    scene.github.migrations = "";
    await given();
    await step();
    expect(scene.databases.mapped).toHaveLength(1);
    expect(scene.databases.readers).toEqual([READER_ROLE]);
    expect(await cluster()).toMatchObject({ migrationState: "applied" });
  });

  it("costs nothing where nobody is to be mapped", async () => {
    setAccess([{ ...RULE, repositories: ["acme/other"] }], null);
    scene.github.migrations = "";
    scene.databases.openError = new Retryable("connect_failed", "away");
    await given();
    await step();
    await step();
    expect(await cluster()).toMatchObject({ verifiedGeneration: 1 });
    expect(scene.databases.mapped).toEqual([]);
    expect(scene.databases.verified).toEqual([[]]);
  });

  it("of a list without the reader grants no reading", async () => {
    setAccess([RULE], null);
    await given();
    await step();
    expect(scene.databases.mapped).toEqual([{ grants: [APP], formerRoles: [] }]);
    expect(scene.databases.readers).toEqual([]);
  });

  it("that the cluster does not show is mapped anew, and asked for again", async () => {
    setAccess([RULE]);
    await given();
    await step();
    scene.databases.verifyErrors = [new Retryable("access_missing", "not shown")];
    await step();
    expect(await cluster()).toMatchObject({ verifiedGeneration: 0 });
    expect(scene.databases.mapped).toHaveLength(2);
    expect(await scene.dueInMs("environment", "env_1")).toBeGreaterThan(0);
    await step();
    expect(await cluster()).toMatchObject({ verifiedGeneration: 1 });
  });

  it("that could not be given after the last statement leaves the statements applied", async () => {
    setAccess([RULE]);
    await given();
    scene.databases.readError = new Retryable("access_unmapped", "lost");
    await step();
    const states = (await store.store.ledger("cl_1")).map(({ state }) => state);
    expect([...new Set(states)]).toEqual(["applied"]);
    const count = scene.databases.ran.length;
    scene.databases.readError = null;
    await step();
    expect(await cluster()).toMatchObject({ migrationState: "applied" });
    expect(scene.databases.ran).toHaveLength(count);
  });

  it("that DSQL refuses is told, and the database is not ready", async () => {
    setAccess([RULE]);
    await given();
    scene.databases.mapError = new Refused("access_refused", "Role app not supported");
    await step();
    expect(scene.databases.ran).toEqual([]);
    expect((await store.store.events("env_1")).at(-1)).toMatchObject({ kind: "refused" });
    scene.databases.mapError = null;
    await step();
    expect(await cluster()).toMatchObject({ migrationState: "applied" });
  });
});

describe("access to a ready database", () => {
  it("is not touched while the list stays as it is", async () => {
    await givenReady(RULE);
    scene.databases.openError = new Retryable("connect_failed", "away");
    await step();
    expect(scene.databases.mapped).toEqual([]);
  });

  it("follows the list, and what it names no more is taken away", async () => {
    await givenReady(RULE);
    const other = { databaseRole: "ops", iamRole: DEVELOPERS };
    setAccess([{ ...RULE, ...other }]);
    await step();
    expect(scene.databases.mapped).toEqual([{ grants: [READER, other], formerRoles: ["app"] }]);
    await step();
    expect(scene.databases.mapped).toHaveLength(1);
  });

  it("is all taken away when nothing is listed and no role signs any more", async () => {
    await givenReady(RULE);
    setAccess([], null);
    await step();
    expect(scene.databases.mapped).toEqual([{ grants: [], formerRoles: ["app", READER_ROLE] }]);
    await step();
    expect(scene.databases.mapped).toHaveLength(1);
  });

  it("is mapped again after a step that ended half-way", async () => {
    await givenReady(RULE);
    setAccess([], null);
    scene.databases.mapError = new Retryable("access_unmapped", "lost");
    await step();
    expect(await store.store.clusterAccess("cl_1")).toMatchObject({ digest: null });
    scene.databases.mapError = null;
    setAccess([RULE]);
    await step();
    expect(scene.databases.mapped.at(-1)).toEqual({ grants: [APP, READER], formerRoles: [] });
    expect(await store.store.clusterAccess("cl_1")).toMatchObject({ roles: ["app", READER_ROLE] });
  });

  it("that is kept after its end is left as it is", async () => {
    setAccess([RULE]);
    await scene.given(
      { servingId: "cl_1", wanted: "absent", readyAt: NOW },
      {
        ...{ id: "cl_1", status: "available", ...SEEN, use: "retired" },
        retiredUntil: new Date(NOW.getTime() + 1_000_000),
      },
    );
    Object.assign(scene.context.policy, { grace: { previewMs: 1_000_000, tenantMs: 0 } });
    await step();
    expect(scene.databases.mapped).toEqual([]);
  });
});
