import { randomUUID } from "node:crypto";
import { secrets } from "../../service/adapters/secrets.ts";
import type { Caller } from "../../service/domain/caller.ts";
import type { Cluster } from "../../service/domain/cluster.ts";
import type { Environment } from "../../service/domain/environment.ts";
import { Retryable } from "../../service/domain/errors.ts";
import { isFence } from "../../service/domain/fence.ts";
import { branchKey } from "../../service/domain/owner.ts";
import { createApiHandlers } from "../../service/handlers/api.ts";
import type { Write } from "../../service/handlers/api-types.ts";
import type { ClusterControl, Pull } from "../../service/handlers/ports.ts";
import { claimDue, runHeld } from "../../service/handlers/worker.ts";
import { SEEN } from "../domain/builders.ts";
import type { TestStore } from "../support/store.ts";
import { createScene, KEY, POLICY, PULL } from "./scene.ts";

export const HOUR_MS = 3_600_000;
export const BRANCH = { host: "github.test", repositoryId: 7, gitBranch: "release/1.x" };
export const BRANCH_KEY = branchKey(BRANCH);
/** Looks within this time are waited for; the hourly ones are not. */
const SOON_MS = 20_000;

const CALLER: Caller = {
  kind: "key",
  id: "key_test",
  name: "test",
  scopes: ["admin"],
  selector: null,
  expiresAt: null,
};

/** A write without a repeat. */
export const ASKED: Write = { caller: CALLER, repeat: null };
export const NO_LABELS = { labels: {}, limit: 50, cursor: null } as const;

interface Made {
  readonly identifier: string;
  /** Its policy as AWS has it, and how often it was changed. */
  policy: string | null;
  changes: number;
  fenced: boolean;
  protected: boolean;
}

function versionOf({ changes }: Made): string {
  return `v${changes}`;
}

/** As somebody does who has the right to, us included. */
export function setPolicy(one: Made, policy: string | null): void {
  Object.assign(one, { policy, fenced: isFence(policy), changes: one.changes + 1 });
}

/** A scene whose AWS keeps what it was told, and whose workers do all that is due soon. */
export function createRetireScene(store: TestStore) {
  const scene = createScene(store);
  const { context } = scene;
  const grace = { previewMs: 24 * HOUR_MS, tenantMs: 168 * HOUR_MS };
  const made = new Map<string, Made>();
  let count = 0;
  const hooks = {
    /** Called before it, when the policy has been read. */
    beforeFence: async (_on: boolean): Promise<void> => {},
    /** Called after a fence or an unfence has had its effect, and before its answer is used. */
    afterFence: async (_on: boolean): Promise<void> => {},
    /** The sha of the branch, or null if it is gone. */
    branch: "1".repeat(40) as string | null,
  };
  const seenOf = ({ identifier, protected: deletionProtected }: Made) => ({
    ...SEEN,
    ...{ identifier, deletionProtected, endpoint: `${identifier}.dsql.us-east-1.on.aws` },
  });
  const control: ClusterControl = {
    async create({ deletionProtected = false }) {
      const identifier = `${"a".repeat(25)}${"bcdefghij"[count] ?? "z"}`;
      count += 1;
      const one = { identifier, fenced: false, policy: null, changes: 0, protected: deletionProtected };
      made.set(identifier, one);
      return { kind: "creating", ...seenOf(one) };
    },
    async observe(identifier) {
      const one = made.get(identifier);
      return one ? { kind: "usable", ...seenOf(one) } : { kind: "absent" };
    },
    find: async () => ({ kind: "absent" }),
    async remove(identifier) {
      if (made.get(identifier)?.protected) return { kind: "protected" };
      return made.delete(identifier) ? { kind: "removing" } : { kind: "absent" };
    },
    async protect(identifier, on) {
      Object.assign(made.get(identifier) ?? {}, { protected: on });
      return { kind: "done" };
    },
    async readPolicy(identifier) {
      const one = made.get(identifier);
      return { kind: "seen", text: one?.policy ?? null, version: one?.policy ? versionOf(one) : null };
    },
    async putPolicy(identifier, text, version) {
      await hooks.beforeFence(isFence(text));
      const one = made.get(identifier);
      if (one && version !== null && version !== versionOf(one))
        return { kind: "unknown", cause: "conflict" };
      if (one) setPolicy(one, text);
      await hooks.afterFence(isFence(text));
      return { kind: "done" };
    },
    inventory: async () => null,
    identifiers: async () => [...made.keys()],
  };
  Object.assign(context, { policy: { ...POLICY, grace } });
  Object.assign(context.control, control);
  Object.assign(context.databases, {
    async verify(endpoint: string) {
      if (made.get(endpoint.slice(0, 26))?.fenced) throw new Retryable("connect_failed", "access denied");
    },
  });
  const target = { host: "github.test", repositoryId: 7, installationId: 5001, repositoryName: "acme/shop" };
  Object.assign(context.github, {
    findRepository: async () => target,
    readBranch: async () => (hooks.branch === null ? null : { sha: hooks.branch }),
  });
  const api = createApiHandlers({
    ...context,
    ...{ signer: null, jobTokens: null, signIn: null, secrets },
    ...{ publicUrl: "https://offshoot.test", host: "github.test" },
  });
  const { clock, store: rows } = context;
  /** Does up to `count` steps of those that are due now; says how many it did. */
  const steps = async (count: number): Promise<number> => {
    for (let done = 0; done < count; done += 1) {
      const [held] = await claimDue(context, 1);
      if (!held) return done;
      await runHeld(context, held);
    }
    return count;
  };
  /** Until nothing is due soon. */
  const rest = async (): Promise<void> => {
    for (;;) {
      await steps(200);
      const due = await rows.nextDue();
      const inMs = due ? due.getTime() - clock.now().getTime() : Number.POSITIVE_INFINITY;
      if (inMs > SOON_MS) return;
      scene.pass(Math.max(0, inMs));
    }
  };
  const pull = async (change: Partial<Pull>, action: string): Promise<void> => {
    scene.pass(1_000);
    scene.github.pull = { ...PULL, ...change };
    await scene.deliver({ action });
  };
  const only = async (): Promise<Environment> => {
    const [found] = await rows.listEnvironments({ after: "", limit: 2 });
    if (!found) throw new Error("There is no environment.");
    return found;
  };
  return {
    ...scene,
    hooks,
    made,
    api,
    steps,
    rest,
    close: () => pull({ state: "closed", closedAt: clock.now() }, "closed"),
    reopen: () => pull({ state: "open" }, "reopened"),
    /** Applies the deliveries, as a worker does that takes nothing else. */
    intake: () => scene.run("intake", KEY),
    async comment(id: number, body: string): Promise<void> {
      scene.pass(1_000);
      const common = { id, author: "wendy", authorIsBot: false, edited: false, number: 1 };
      scene.github.comments.set(id, { ...common, body, createdAt: clock.now() });
      await scene.deliver({ event: "issue_comment", action: "created", commentId: id });
    },
    push: (sha: string | null) => {
      hooks.branch = sha;
      return scene.deliver({ pullKey: BRANCH_KEY, event: "push", action: "", number: 0 });
    },
    /** The one environment that there is. */
    environment: only,
    async cluster(): Promise<Cluster | null> {
      return rows.cluster((await only()).servingId ?? "");
    },
    async phase(): Promise<string> {
      return (await api.getEnvironment(CALLER, (await only()).id, null)).phase;
    },
    /** The identifiers of the clusters that AWS has now. */
    identifiers: () => [...made.keys()],
    /** As a client asks that repeats itself until it has an answer. */
    repeated: (): Write => ({ caller: CALLER, repeat: { key: randomUUID(), digest: "d" } }),
  };
}

export type RetireScene = ReturnType<typeof createRetireScene>;
