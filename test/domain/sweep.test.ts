import { describe, expect, it } from "vitest";
import { previewTags, tenantTags } from "../../service/domain/names.ts";
import { compareInventory, compareStacks } from "../../service/domain/sweep.ts";
import { clusterOf } from "./builders.ts";

const PULL = { host: "github.com", repositoryId: 7, number: 1 };
const listed = (identifier: string, id: string) => ({ identifier, tags: previewTags(id, PULL, "acme/shop") });
const row = (id: string, identifier: string | null) => clusterOf({ id, identifier, status: "available" });

describe("a comparison of AWS with the store", () => {
  it("finds nothing where each cluster has its row", () => {
    expect(compareInventory([listed("aaa", "cl_1")], [row("cl_1", "aaa")])).toEqual([]);
  });

  it("leaves alone what is not ours, and the store's own cluster", () => {
    const foreign = { identifier: "bbb", tags: { Name: "somebody's" } };
    const store = { identifier: "ccc", tags: { "offshoot:service": "offshoot", "offshoot:kind": "store" } };
    expect(compareInventory([foreign, store], [])).toEqual([]);
  });

  it("finds a cluster of ours that no row is for", () => {
    const [found, ...others] = compareInventory([listed("aaa", "cl_9")], [row("cl_1", null)]);
    expect(found).toMatchObject({ reason: "unknown_row", identifier: "aaa", clusterId: "cl_9" });
    expect(others).toEqual([]);
  });

  it("says of a customer's cluster that only a person deletes it", () => {
    const [found] = compareInventory([{ identifier: "aaa", tags: tenantTags("cl_9", "acme") }], []);
    expect(found?.kind).toBe("tenant");
    expect(found?.message).toContain("nothing deletes it but a person");
    expect(found?.message).not.toContain("acme");
  });

  it("finds a row whose cluster AWS does not list, unless it is on its way out or was never given", () => {
    const leaving = clusterOf({ id: "cl_3", identifier: "ccc", status: "removing", use: "remove" });
    const found = compareInventory([], [row("cl_1", "aaa"), row("cl_2", null), leaving]);
    expect(found.map(({ reason, clusterId }) => [reason, clusterId])).toEqual([["missing", "cl_1"]]);
  });
});

describe("a comparison of AWS' stacks with the store", () => {
  const stack = (id: string, status = "CREATE_COMPLETE", tags = previewTags(id, PULL, "acme/shop")) => ({
    ...{ name: `offshoot-${id.replace("_", "-")}`, status, tags },
  });
  const rowOf = (id: string) => clusterOf({ id, stack: stack(id).name });

  it("finds a stack of ours that no row is for, and says how it is removed", () => {
    const [found, ...others] = compareStacks(
      [stack("cl_1"), stack("cl_9", "ROLLBACK_COMPLETE")],
      [rowOf("cl_1")],
    );
    expect(found).toMatchObject({ reason: "unknown_stack", clusterId: "cl_9", kind: "preview" });
    expect(found?.message).toMatch(/ROLLBACK_COMPLETE.*delete-stack --stack-name offshoot-cl-9$/);
    expect(others).toEqual([]);
  });

  it("leaves alone what only has a name like ours, such as the service's own stack", () => {
    expect(compareStacks([{ name: "offshoot-prod", status: "UPDATE_COMPLETE", tags: {} }], [])).toEqual([]);
    const service = { "offshoot:service": "offshoot" };
    expect(compareStacks([{ name: "offshoot-prod", status: "UPDATE_COMPLETE", tags: service }], [])).toEqual(
      [],
    );
  });

  it.each([
    ["DELETE_FAILED", /describe-stack-events.*remove that, and then: aws cloudformation delete-stack/],
    ["DELETE_IN_PROGRESS", /look again when it is done/],
    ["REVIEW_IN_PROGRESS", /delete it after a look/],
  ])("says what to do with one that is %s", (status, next) => {
    expect(compareStacks([stack("cl_9", status)], [])[0]?.message).toMatch(next);
  });

  it("says of a customer's stack that only a person deletes it", () => {
    const [found] = compareStacks([stack("cl_9", "DELETE_FAILED", tenantTags("cl_9", "acme"))], []);
    expect(found?.message).toContain("nothing deletes it but a person");
    expect(found?.message).not.toMatch(/acme|delete-stack/);
  });

  it("says so when nothing is known", () => {
    expect(compareStacks(null, [])).toMatchObject([{ reason: "stacks_unread" }]);
  });
});
