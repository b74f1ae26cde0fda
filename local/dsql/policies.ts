import { type Policy, parseResourcePolicy } from "./policy.ts";
import { conflict, noPolicy } from "./service-error.ts";
import { type Changed, randomIdentifier, refuseUnlessActive, type Shelf } from "./shelf.ts";
import type { ClusterRecord } from "./state.ts";

/** The clusters' resource policies; changes are for `once`. A version is opaque and never comes back. */
export function policies({ lookUp, find }: Shelf) {
  const current = (identifier: string, expectedVersion?: string): Required<ClusterRecord>["policy"] => {
    const { policy } = find(identifier);
    if (!policy) throw noPolicy(identifier);
    refuseOtherVersion(identifier, policy.version, expectedVersion);
    return policy;
  };
  return {
    /** What counts when somebody asks for the cluster; nothing denies anything there when it has no policy. */
    policyOf: (identifier: string): Policy => {
      const { policy } = lookUp(identifier) ?? {};
      return policy ? parseResourcePolicy(policy.text) : [];
    },

    getPolicy(identifier: string): { policy: string; policyVersion: string } {
      const { text, version } = current(identifier);
      return { policy: text, policyVersion: version };
    },

    putPolicy(
      identifier: string,
      text: string,
      expectedVersion?: string,
    ): Changed<{ policyVersion: string }> {
      const found = find(identifier);
      refuseUnlessActive(found, "changed");
      refuseOtherVersion(identifier, found.policy?.version, expectedVersion);
      const policy = { text, version: randomIdentifier() };
      return { cluster: { ...found, policy }, answer: { policyVersion: policy.version } };
    },

    deletePolicy(identifier: string, expectedVersion?: string): Changed<{ policyVersion: string }> {
      const { version } = current(identifier, expectedVersion);
      const { policy: _gone, ...cluster } = find(identifier);
      return { cluster, answer: { policyVersion: version } };
    },
  };
}

function refuseOtherVersion(identifier: string, version: string | undefined, expected?: string): void {
  if (expected === undefined || expected === version) return;
  throw conflict(`The policy of cluster ${identifier} is not of version ${expected} any more`, identifier);
}
