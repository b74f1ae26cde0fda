import { describe, expect, it } from "vitest";
import { planDestroy, readTold, type TaggedCluster, type Told } from "../../scripts/destroy-plan.ts";

const cluster = (identifier: string, kind: string, more = {}): TaggedCluster => ({
  identifier,
  tags: { "offshoot:service": "offshoot", "offshoot:kind": kind, Name: `${kind} ${identifier}`, ...more },
});
const STORE = cluster("s", "store");
const FOREIGN: TaggedCluster = { identifier: "f", tags: { Name: "payroll" } };
const PREVIEW = cluster("p", "preview");
const TENANT = cluster("t", "tenant");
const NOTHING: Told = { environments: false, tenants: false, store: false };
const OUTPUTS = new Map([["StoreIdentifier", "s"]]);

const plan = (clusters: readonly TaggedCluster[], told: Partial<Told> = {}, outputs = OUTPUTS) =>
  planDestroy(clusters, { ...NOTHING, ...told }, outputs);

describe("scripts/destroy", () => {
  it("goes on when nothing but the store and others' clusters is there", () => {
    expect(plan([STORE, FOREIGN])).toEqual({ kind: "remove", clusters: [], store: null });
  });

  it("refuses while a preview lives, names it and what to say", () => {
    expect(plan([STORE, FOREIGN, PREVIEW])).toEqual({
      kind: "refused",
      text: "1 database is still live. Remove them first, or say --with-environments to delete them with their data.\n  p  preview  preview p",
    });
  });

  it("removes previews when told, and nothing else", () => {
    expect(plan([STORE, FOREIGN, PREVIEW], { environments: true })).toEqual({
      ...{ kind: "remove", clusters: [PREVIEW], store: null },
    });
  });

  it("refuses customers' databases until they are named themselves", () => {
    expect(plan([PREVIEW, TENANT], { environments: true })).toMatchObject({
      kind: "refused",
      text: expect.stringContaining("--with-environments --with-tenants"),
    });
    expect(plan([TENANT], { tenants: true }).kind).toBe("refused");
    const both = { environments: true, tenants: true };
    expect(plan([PREVIEW, TENANT], both)).toMatchObject({ kind: "remove", clusters: [PREVIEW, TENANT] });
  });

  it("never removes a cluster behind the back of its stack", () => {
    const stacked = cluster("c", "preview", { "aws:cloudformation:stack-name": "offshoot-1" });
    expect(plan([stacked], { environments: true, tenants: true })).toMatchObject({
      kind: "refused",
      text: expect.stringContaining("only the service removes"),
    });
  });

  it("removes the store when told, and refuses if the stack does not say which cluster that is", () => {
    expect(plan([STORE], { store: true })).toEqual({ kind: "remove", clusters: [], store: "s" });
    expect(plan([STORE], { store: true }, new Map())).toEqual({
      kind: "refused",
      text: expect.stringMatching(/no output StoreIdentifier.*Leave --with-store out, and delete/),
    });
  });
});

describe("what is said to scripts/destroy", () => {
  it("is nothing, or what goes along", () => {
    expect(readTold([])).toEqual({ kind: "told", told: NOTHING });
    expect(readTold(["--help"])).toEqual({ kind: "help" });
    expect(readTold(["--with-store", "--with-environments", "--with-tenants"])).toEqual({
      ...{ kind: "told", told: { environments: true, tenants: true, store: true } },
    });
  });

  it.each([
    ["--with-stores", /'--with-stores'/],
    ["--with-store=no", /--with-store/],
    ["everything", /'everything'/],
    ["--with-tenants", /goes together with --with-environments/],
  ])("is refused when it is %s, and nothing is removed", (argument, named) => {
    const asked = readTold([argument]);
    expect(asked).toEqual({
      kind: "refused",
      text: expect.stringMatching(/\. Nothing was removed\. scripts\/destroy --help tells what it takes\.$/),
    });
    expect(asked).toMatchObject({ text: expect.stringMatching(named) });
  });
});
