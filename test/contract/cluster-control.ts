import { randomUUID } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FENCE_POLICY, isFence } from "../../service/domain/fence.ts";
import type { ClusterControl } from "../../service/handlers/ports.ts";

export interface ClusterControlSubject {
  readonly control: ClusterControl;
  /** Turns deletion protection on, which the port itself never does. */
  protect(identifier: string): Promise<void>;
  close(): Promise<unknown>;
}

/** AWS needs up to 90 s to create a cluster and minutes to remove it. */
const CHANGE_TIMEOUT_MS = 10 * 60_000;
const LOOK_MS = 200;

/** What every ClusterControl promises. Makes two clusters and removes them. */
export function clusterControlContract(name: string, make: () => Promise<ClusterControlSubject>): void {
  describe(`ClusterControl: ${name}`, { timeout: CHANGE_TIMEOUT_MS }, () => {
    let subject: ClusterControlSubject;
    const made = new Set<string>();
    const clusterId = () => `clu_${randomUUID()}`;
    const tagsOf = (id: string) => ({
      "offshoot:service": "contract",
      "offshoot:kind": "preview",
      "offshoot:cluster": id,
    });

    beforeAll(async () => {
      subject = await make();
    });
    afterAll(async () => {
      for (const identifier of made) await subject?.control.remove(identifier);
      await subject?.close();
    }, CHANGE_TIMEOUT_MS);

    async function create(id: string) {
      const answer = await subject.control.create({ clientToken: randomUUID(), tags: tagsOf(id) });
      if (answer.kind !== "creating" && answer.kind !== "usable") throw new Error(JSON.stringify(answer));
      made.add(answer.identifier);
      return answer;
    }

    async function until(identifier: string, kind: string) {
      for (;;) {
        const seen = await subject.control.observe(identifier);
        if (seen.kind === kind) return seen;
        await setTimeout(LOOK_MS);
      }
    }

    it("creates a cluster without protection that becomes usable at the endpoint it named", async () => {
      const { identifier, arn, endpoint } = await create(clusterId());
      expect(await until(identifier, "usable")).toEqual({
        kind: "usable",
        identifier,
        arn,
        endpoint,
        deletionProtected: false,
      });
    });

    it("answers a repeated token with the same cluster, and with other tags with a conflict", async () => {
      const request = { clientToken: randomUUID(), tags: tagsOf(clusterId()) };
      const before = await subject.control.identifiers();
      const first = await subject.control.create(request);
      if (!("identifier" in first)) throw new Error(JSON.stringify(first));
      made.add(first.identifier);
      expect(await subject.control.create(request)).toMatchObject({ identifier: first.identifier });
      const other = { ...request, tags: tagsOf(clusterId()) };
      expect(await subject.control.create(other)).toMatchObject({ kind: "conflict" });
      expect(await subject.control.identifiers()).toEqual(
        expect.arrayContaining([...(before ?? []), first.identifier]),
      );
      expect(await subject.control.identifiers()).toHaveLength((before ?? []).length + 1);
    });

    it("finds a cluster by its tag, and nothing by another", async () => {
      const id = clusterId();
      const { identifier } = await create(id);
      expect(await subject.control.find(id)).toMatchObject({ identifier });
      expect(await subject.control.find(clusterId())).toEqual({ kind: "absent" });
    });

    it("refuses to remove a protected cluster until it is unprotected", async () => {
      const { identifier } = await create(clusterId());
      await until(identifier, "usable");
      await subject.protect(identifier);
      expect(await subject.control.remove(identifier)).toEqual({ kind: "protected" });
      expect(await subject.control.observe(identifier)).toMatchObject({
        kind: "usable",
        deletionProtected: true,
      });
      expect(await subject.control.protect(identifier, false)).toEqual({ kind: "done" });
      expect(await subject.control.remove(identifier)).toEqual({ kind: "removing" });
      expect(await until(identifier, "absent")).toEqual({ kind: "absent" });
    });

    it("fences, and opens again, only what is still as it was read", async () => {
      const { identifier, arn } = await create(clusterId());
      await until(identifier, "usable");
      const account = arn.split(":")[4];
      const statement = { Sid: "Own", Effect: "Allow", Principal: { AWS: account }, Resource: "*" };
      const own = JSON.stringify({
        Version: "2012-10-17",
        Statement: [{ ...statement, Action: ["dsql:DbConnect"] }],
      });
      const { control } = subject;
      const shown = async () => {
        const seen = await control.readPolicy(identifier);
        if (seen.kind !== "seen") throw new Error(JSON.stringify(seen));
        return seen;
      };
      expect(await shown()).toEqual({ kind: "seen", text: null, version: null });
      expect(await control.putPolicy(identifier, own, null)).toEqual({ kind: "done" });
      const before = await shown();
      expect(await control.putPolicy(identifier, FENCE_POLICY, before.version)).toEqual({ kind: "done" });
      const fenced = await shown();
      expect(isFence(fenced.text)).toBe(true);
      expect(await control.putPolicy(identifier, before.text, fenced.version)).toEqual({ kind: "done" });
      // A process that stood still since it had read the policy, before the cluster was fenced and restored.
      for (const { version } of [before, fenced]) {
        expect(await control.putPolicy(identifier, FENCE_POLICY, version)).toMatchObject({ kind: "unknown" });
        expect(await control.putPolicy(identifier, null, version)).toMatchObject({ kind: "unknown" });
      }
      const after = await shown();
      expect(isFence(after.text)).toBe(false);
      expect(JSON.parse(after.text ?? "")).toMatchObject({ Statement: [{ Sid: "Own" }] });
      expect(await control.putPolicy(identifier, null, after.version)).toEqual({ kind: "done" });
      expect(await shown()).toEqual({ kind: "seen", text: null, version: null });
      expect(await control.putPolicy(identifier, null, null)).toEqual({ kind: "done" });
    });

    it("knows nothing of a cluster that never was", async () => {
      const identifier = "a".repeat(26);
      expect(await subject.control.observe(identifier)).toEqual({ kind: "absent" });
      expect(await subject.control.remove(identifier)).toEqual({ kind: "absent" });
    });
  });
}
