import { describe, expect, it } from "vitest";
import { planDestroy, type TaggedCluster } from "../../scripts/destroy-plan.ts";

const cluster = (identifier: string, kind: string, more = {}): TaggedCluster => ({
  identifier,
  tags: { "offshoot:service": "offshoot", "offshoot:kind": kind, Name: `${kind} ${identifier}`, ...more },
});
const STORE = cluster("s", "store");
const FOREIGN: TaggedCluster = { identifier: "f", tags: { Name: "payroll" } };
const PREVIEW = cluster("p", "preview");
const TENANT = cluster("t", "tenant");
const NOTHING = { environments: false, tenants: false };

describe("scripts/destroy", () => {
  it("goes on when nothing but the store and others' clusters is there", () => {
    expect(planDestroy([STORE, FOREIGN], NOTHING)).toEqual({ kind: "remove", clusters: [] });
  });

  it("refuses while a preview lives, names it and what to say", () => {
    const plan = planDestroy([STORE, FOREIGN, PREVIEW], NOTHING);
    expect(plan).toEqual({
      kind: "refused",
      text: "1 database is still live. Remove them first, or say --with-environments to delete them with their data.\n  p  preview  preview p",
    });
  });

  it("removes previews when told, and nothing else", () => {
    const plan = planDestroy([STORE, FOREIGN, PREVIEW], { environments: true, tenants: false });
    expect(plan).toEqual({ kind: "remove", clusters: [PREVIEW] });
  });

  it("refuses customers' databases until they are named themselves", () => {
    const told = { environments: true, tenants: false };
    expect(planDestroy([PREVIEW, TENANT], told)).toMatchObject({
      kind: "refused",
      text: expect.stringContaining("--with-environments --with-tenants"),
    });
    expect(planDestroy([TENANT], { environments: false, tenants: true }).kind).toBe("refused");
    const both = { environments: true, tenants: true };
    expect(planDestroy([PREVIEW, TENANT], both)).toEqual({ kind: "remove", clusters: [PREVIEW, TENANT] });
  });

  it("never removes a cluster behind the back of its stack", () => {
    const stacked = cluster("c", "preview", { "aws:cloudformation:stack-name": "offshoot-1" });
    expect(planDestroy([stacked], { environments: true, tenants: true })).toMatchObject({
      kind: "refused",
      text: expect.stringContaining("only the service removes"),
    });
  });
});
