import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { previewTags } from "../../service/domain/names.ts";
import type { Context } from "../../service/handlers/context.ts";
import { sweep } from "../../service/handlers/sweep.ts";
import { clusterOf } from "../domain/builders.ts";
import { startStore, type TestStore } from "../support/store.ts";
import { createScene, REF } from "./scene.ts";

let base: TestStore;
beforeAll(async () => {
  base = await startStore();
});
afterEach(() => base.clear());
afterAll(() => base.stop());

const listed = (id: string) => ({
  identifier: id.replace("cl_", "x"),
  tags: previewTags(id, REF, "acme/shop"),
});
const given = (id: string) =>
  base.store.transaction((tx) =>
    tx.insertCluster(clusterOf({ id, identifier: id.replace("cl_", "x"), status: "available" })),
  );
const over = (inventory: () => Promise<ReturnType<typeof listed>[] | null>) => {
  const { context } = createScene(base);
  return sweep({ ...context, control: { ...context.control, inventory } });
};

it("tells what differs, and what was compared", async () => {
  for (const id of ["cl_1", "cl_2"]) await given(id);
  const report = await over(async () => [listed("cl_2"), listed("cl_3")]);
  expect(report).toMatchObject({ listed: 2, rows: 2 });
  expect(report.findings.map(({ reason, clusterId }) => [reason, clusterId])).toEqual([
    ["unknown_row", "cl_3"],
    ["missing", "cl_1"],
  ]);
});

it("does not miss a cluster that came while AWS was listed", async () => {
  const report = await over(async () => {
    await given("cl_1");
    return [];
  });
  expect(report.findings).toEqual([]);
});

it("does not call a cluster unknown whose row ended while AWS was listed", async () => {
  await given("cl_1");
  const report = await over(async () => {
    await base.pool.query("update cluster set status = 'gone'");
    return [listed("cl_1")];
  });
  expect(report.findings).toEqual([]);
});

describe("stacks", () => {
  const NAME = "offshoot-cl-9";
  const stranger = { name: NAME, status: "CREATE_COMPLETE", tags: previewTags("cl_9", REF, "acme/shop") };
  const beside = (others: Context["stacks"]["others"], stacks: "none" | "all") => {
    const { context } = createScene(base);
    const policy = { ...context.policy, stacks: { for: stacks, prefix: "offshoot-" } };
    const control = { ...context.control, inventory: async () => [] };
    return sweep({ ...context, policy, control, stacks: { ...context.stacks, others } });
  };

  it("of ours that no row knows are told, and the known ones are not asked for", async () => {
    const row = { id: "cl_1", stack: "offshoot-cl-1", status: "creating" } as const;
    await base.store.transaction((tx) => tx.insertCluster(clusterOf(row)));
    const asked: unknown[] = [];
    const report = await beside(async (...given) => {
      asked.push(given);
      return [stranger];
    }, "none");
    expect(asked).toEqual([["offshoot-", new Set(["offshoot-cl-1"])]]);
    expect(report.findings).toMatchObject([{ reason: "unknown_stack", clusterId: "cl_9" }]);
  });

  it("that come while AWS is listed are none of them", async () => {
    const report = await beside(async () => {
      await base.store.transaction((tx) => tx.insertCluster(clusterOf({ id: "cl_9", stack: NAME })));
      return [stranger];
    }, "all");
    expect(report.findings).toEqual([]);
  });

  it("that could not be read are told of, and the clusters are compared all the same", async () => {
    expect((await beside(async () => null, "all")).findings).toMatchObject([{ reason: "stacks_unread" }]);
  });

  it("are not asked for where there are none", async () => {
    const report = await beside(async () => Promise.reject(new Error("asked")), "none");
    expect(report.findings).toEqual([]);
  });
});

it("says nothing about what could not be read to its end", async () => {
  await expect(over(async () => null)).rejects.toMatchObject({ reason: "aws_unavailable" });
});
