import type { ChangeAnswer, PolicyAnswer } from "../domain/cluster.ts";
import { failureOf, unknownOf } from "./dsql-failure.ts";

interface ShownPolicy {
  readonly policy: string | undefined;
  readonly policyVersion: string | undefined;
}

/** The calls of the control plane that are about a cluster's policy. */
export interface PolicyCalls {
  getPolicy(identifier: string): Promise<ShownPolicy>;
  putPolicy(
    identifier: string,
    policy: string,
    expected: string | undefined,
  ): Promise<Pick<ShownPolicy, "policyVersion">>;
  deletePolicy(identifier: string, expected: string | undefined): Promise<unknown>;
}

export async function readPolicy(calls: PolicyCalls, identifier: string): Promise<PolicyAnswer> {
  try {
    const shown = await withoutPolicy(() => calls.getPolicy(identifier));
    return { kind: "seen", text: shown?.policy ?? null, version: shown?.policyVersion ?? null };
  } catch (error) {
    return unknownOf(error);
  }
}

/** See the port. AWS answers ConflictException for a version that is not the policy's any more: nothing was changed. */
export async function putPolicy(
  calls: PolicyCalls,
  identifier: string,
  text: string | null,
  version: string | null,
): Promise<ChangeAnswer> {
  const expected = version ?? undefined;
  try {
    const put = await withoutPolicy(async () => {
      if (text !== null) return calls.putPolicy(identifier, text, expected);
      await calls.deletePolicy(identifier, expected);
      return null;
    });
    const shown = await withoutPolicy(() => calls.getPolicy(identifier));
    // By its version: AWS may write a policy in other words than it was put in.
    if ((shown?.policyVersion ?? null) === (put?.policyVersion ?? null)) return { kind: "done" };
    return { kind: "unknown", cause: "AWS does not show the changed policy of the cluster yet." };
  } catch (error) {
    return unknownOf(error);
  }
}

/** Null for a cluster that has no policy. */
async function withoutPolicy<T>(call: () => Promise<T>): Promise<T | null> {
  try {
    return await call();
  } catch (error) {
    if (failureOf(error).kind === "absent") return null;
    throw error;
  }
}
