import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { previewTags } from "../../service/domain/names.ts";
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

it("says nothing about what could not be read to its end", async () => {
  await expect(over(async () => null)).rejects.toMatchObject({ reason: "aws_unavailable" });
});
