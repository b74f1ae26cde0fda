import { describe, expect, it } from "vitest";
import { previewTags, tenantTags } from "../../service/domain/names.ts";
import { compareInventory } from "../../service/domain/sweep.ts";
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
