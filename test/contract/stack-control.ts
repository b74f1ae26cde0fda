import { randomUUID } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { StackPolicy } from "../../service/domain/stack-template.ts";
import type { ClusterControl } from "../../service/handlers/ports.ts";
import type { StackControl } from "../../service/handlers/ports-stack.ts";

export interface StackControlSubject {
  /** For stacks as this policy has them. */
  stacks(policy: StackPolicy): StackControl;
  readonly control: ClusterControl;
  close(): Promise<unknown>;
}

/** CloudFormation needs minutes for a cluster and two roles. */
const CHANGE_TIMEOUT_MS = 15 * 60_000;
const LOOK_MS = 200;
const PLAIN: StackPolicy = { boundaryArn: null, kmsKeyArn: null, extraTags: {} };
const TAGGED: StackPolicy = { ...PLAIN, extraTags: { "cost-center": "42" } };

/** What every StackControl promises. Makes three stacks and removes them. */
export function stackControlContract(name: string, make: () => Promise<StackControlSubject>): void {
  describe(`StackControl: ${name}`, { timeout: CHANGE_TIMEOUT_MS }, () => {
    let subject: StackControlSubject;
    let stacks: StackControl;
    const made = new Map<string, string>();

    beforeAll(async () => {
      subject = await make();
      stacks = subject.stacks(PLAIN);
    });
    afterAll(async () => {
      for (const [stack, clusterId] of made) {
        const seen = await stacks.describe(stack, clusterId);
        if (seen.kind !== "stack") continue;
        await stacks.guard(seen.id, false);
        await stacks.remove(seen.id);
      }
      await subject?.close();
    }, CHANGE_TIMEOUT_MS);

    function requestOf(deletionProtected = false) {
      const clusterId = `cl_${randomUUID()}`;
      const tags = {
        ...{ "offshoot:service": "contract", "offshoot:kind": "preview", "offshoot:cluster": clusterId },
        Name: "acme/shop pull 42",
      };
      const stack = `offshoot-contract-${randomUUID()}`;
      return { clusterId, name: stack, token: randomUUID(), owner: { tags, deletionProtected } };
    }

    /** Of a deployment whose boundary is no policy: IAM refuses every role. */
    const unbounded = () => subject.stacks({ ...PLAIN, boundaryArn: "no-policy" });

    async function create(request: ReturnType<typeof requestOf>) {
      made.set(request.name, request.clusterId);
      return stacks.create(request);
    }

    async function until(
      control: StackControl,
      { name: stack, clusterId }: ReturnType<typeof requestOf>,
      end: RegExp,
    ) {
      for (;;) {
        const seen = await control.describe(stack, clusterId);
        const status = seen.kind === "stack" ? seen.status : seen.kind;
        if (end.test(status)) return seen;
        expect(status, JSON.stringify(seen)).toMatch(/_IN_PROGRESS$/);
        await setTimeout(LOOK_MS);
      }
    }

    it("makes a cluster with our tags and two roles, once, and changes it to another template", async () => {
      const request = requestOf();
      expect(await create(request)).toEqual({ kind: "made" });
      expect(await create(request)).toEqual({ kind: "made" });
      const seen = await until(stacks, request, /^CREATE_COMPLETE$/);
      expect(seen).toMatchObject({
        identifier: expect.stringMatching(/^[a-z0-9]{26}$/),
        roles: {
          connect: expect.stringMatching(/^arn:aws[a-z-]*:iam::\d{12}:role\/./),
          reader: expect.stringMatching(/^arn:aws[a-z-]*:iam::\d{12}:role\/./),
        },
        ...{ terminationProtected: false, outdated: false, failure: null },
      });
      if (seen.kind !== "stack") throw new Error(seen.kind);
      expect(seen.roles?.connect).not.toBe(seen.roles?.reader);
      expect(await subject.control.find(request.clusterId)).toMatchObject({ identifier: seen.identifier });

      expect(await create({ ...request, token: randomUUID() })).toMatchObject({ kind: "exists" });
      // Under this name, but not this cluster's.
      expect(await stacks.describe(request.name, "cl_other")).toEqual({ kind: "absent" });

      const tagged = subject.stacks(TAGGED);
      expect(await tagged.describe(request.name, request.clusterId)).toMatchObject({ outdated: true });
      expect(await tagged.update(seen.id, request.owner)).toEqual({ kind: "done" });
      const updated = await until(tagged, request, /^UPDATE_COMPLETE$/);
      expect(updated).toMatchObject({ outdated: false, identifier: seen.identifier, roles: seen.roles });
      expect(await tagged.update(seen.id, request.owner)).toEqual({ kind: "unchanged" });
      const listed = await subject.control.inventory();
      const { tags } = listed?.find(({ identifier }) => identifier === seen.identifier) ?? {};
      expect(tags).toMatchObject({ ...TAGGED.extraTags, ...request.owner.tags });

      expect(await unbounded().update(seen.id, request.owner)).toEqual({ kind: "done" });
      const kept = await until(tagged, request, /^UPDATE_ROLLBACK_COMPLETE$/);
      const failure = { cause: expect.stringMatching(/Role \(AWS::IAM::Role\): ./), at: expect.any(Date) };
      expect(kept).toMatchObject({
        outdated: false,
        identifier: seen.identifier,
        roles: seen.roles,
        failure,
      });
      expect(await subject.control.observe(seen.identifier ?? "")).toMatchObject({ kind: "usable" });
    });

    it("tells why a stack could not be made, and removes what is left of it", async () => {
      const request = requestOf();
      made.set(request.name, request.clusterId);
      expect(await unbounded().create(request)).toEqual({ kind: "made" });
      const seen = await until(stacks, request, /^ROLLBACK_COMPLETE$/);
      const failure = {
        quota: false,
        cause: expect.stringMatching(/Role \(AWS::IAM::Role\): ./),
        at: expect.any(Date),
      };
      expect(seen).toMatchObject({ failure });
      if (seen.kind !== "stack") throw new Error(seen.kind);
      expect(await stacks.update(seen.id, request.owner)).toMatchObject({ kind: "refused" });
      expect(await create({ ...request, token: randomUUID() })).toMatchObject({ kind: "exists" });
      expect(await subject.control.find(request.clusterId)).toEqual({ kind: "absent" });
      expect(await stacks.remove(seen.id)).toEqual({ kind: "removing" });
      expect(await until(stacks, request, /^absent$/)).toEqual({ kind: "absent" });
      // The name is free again, and nothing is there that this id means.
      expect(await stacks.remove(seen.id)).toEqual({ kind: "removing" });
      expect(await stacks.describe(request.name, request.clusterId)).toEqual({ kind: "absent" });
    });

    it("refuses to remove a protected stack until it is unguarded", async () => {
      const request = requestOf(true);
      await create(request);
      const seen = await until(stacks, request, /^CREATE_COMPLETE$/);
      if (seen.kind !== "stack") throw new Error(seen.kind);
      expect(seen.terminationProtected).toBe(true);
      expect(await subject.control.observe(seen.identifier ?? "")).toMatchObject({ deletionProtected: true });
      expect(await stacks.remove(seen.id)).toEqual({ kind: "protected" });

      expect(await stacks.guard(seen.id, false)).toEqual({ kind: "done" });
      expect(await stacks.remove(seen.id)).toEqual({ kind: "removing" });
      const failed = await until(stacks, request, /^DELETE_FAILED$/);
      expect(failed).toMatchObject({ failure: { cause: expect.stringContaining("Cluster"), quota: false } });

      expect(await subject.control.protect(seen.identifier ?? "", false)).toEqual({ kind: "done" });
      expect(await stacks.remove(seen.id)).toEqual({ kind: "removing" });
      expect(await until(stacks, request, /^absent$/)).toEqual({ kind: "absent" });
      expect(await subject.control.observe(seen.identifier ?? "")).toEqual({ kind: "absent" });
    });

    it("knows nothing of a stack that never was", async () => {
      expect(await stacks.describe(`offshoot-contract-${randomUUID()}`, "cl_1")).toEqual({ kind: "absent" });
    });
  });
}
