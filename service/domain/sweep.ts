import type { Cluster } from "./cluster.ts";
import { CLUSTER_TAG, KIND_TAG, SERVICE_TAG } from "./names.ts";
import { isAtWork, type ListedStack } from "./stack.ts";

/** One difference between what exists at AWS and what the store knows. */
export interface SweepFinding {
  readonly reason:
    | "unknown_row" // Ours by its tags, but no row of the store, or only one that is gone, has it.
    | "missing" // The row says that it exists, and AWS does not list it.
    | "unknown_stack" // As unknown_row, but a stack, with a cluster in it or without.
    | "stacks_unread"; // Nothing is known of the stacks.
  readonly identifier: string | null;
  readonly clusterId: string | null;
  readonly kind: string;
  readonly message: string;
}

const A_PERSON_S = "It may hold a customer's data: nothing deletes it but a person.";

interface Listed {
  readonly identifier: string;
  readonly tags: Readonly<Record<string, string>>;
}

/**
 * What a sweep would look into. Only what carries our tags is compared, the store's own cluster is left out, and rows
 * whose create is under way prove nothing. Pure; in the order of the list, then of the rows.
 */
export function compareInventory(
  listed: readonly Listed[],
  rows: readonly Cluster[],
): readonly SweepFinding[] {
  const byId = new Map(rows.map((row) => [row.id, row]));
  const ours = listed.filter(({ tags }) => tags[SERVICE_TAG] === "offshoot" && tags[KIND_TAG] !== "store");
  const known = new Set(listed.map(({ identifier }) => identifier));
  const unknown = ours.flatMap(({ identifier, tags }): SweepFinding[] => {
    const clusterId = tags[CLUSTER_TAG] ?? null;
    if (clusterId !== null && byId.has(clusterId)) return [];
    const kind = tags[KIND_TAG] ?? "unknown";
    const next =
      kind === "tenant"
        ? A_PERSON_S
        : "Delete it by hand after a look, or wait for the service if it was made within the last minutes.";
    const message = `AWS has ${identifier} (${kind}), and no row of this store is for it. ${next}`;
    return [{ reason: "unknown_row", identifier, clusterId, kind, message }];
  });
  const missing = rows.flatMap(({ id, identifier, kind, status }): SweepFinding[] => {
    if (identifier === null || known.has(identifier) || status === "removing") return [];
    const message = `Row ${id} says that ${identifier} exists, and AWS does not list it. Its next look finds out.`;
    return [{ reason: "missing", identifier, clusterId: id, kind, message }];
  });
  return [...unknown, ...missing];
}

/**
 * The stacks of ours that no row is for; `listed` are those below the prefix that had no row before, null if AWS did not
 * say. What does not carry our tags is somebody else's. Pure; in the order of the list.
 */
export function compareStacks(
  listed: readonly ListedStack[] | null,
  rows: readonly Cluster[],
): readonly SweepFinding[] {
  if (listed === null) return [STACKS_UNREAD];
  const known = new Set(rows.map(({ stack }) => stack));
  const ours = listed.filter(
    ({ name, tags }) => tags[SERVICE_TAG] === "offshoot" && tags[CLUSTER_TAG] && !known.has(name),
  );
  return ours.map(({ name, status, tags }): SweepFinding => {
    const kind = tags[KIND_TAG] ?? "unknown";
    const message = `AWS has the stack ${name} (${kind}, ${status}), and no row of this store is for it. ${stackNext(name, status, kind)}`;
    return { reason: "unknown_stack", identifier: null, clusterId: tags[CLUSTER_TAG] ?? null, kind, message };
  });
}

const STACKS_UNREAD: SweepFinding = {
  ...{ reason: "stacks_unread", identifier: null, clusterId: null, kind: "unknown" },
  message:
    "The stacks could not be read, so a stack that nobody knows would not be found. Try again; if it stays so, the role lacks cloudformation:ListStacks.",
};

function stackNext(name: string, status: string, kind: string): string {
  if (isAtWork(status)) return "CloudFormation works on it: look again when it is done.";
  if (kind === "tenant") return A_PERSON_S;
  const events = `aws cloudformation describe-stack-events --stack-name ${name}`;
  const remove = `aws cloudformation delete-stack --stack-name ${name}`;
  if (status === "DELETE_FAILED") return `See what blocks it (${events}), remove that, and then: ${remove}`;
  return `Unless it was made within the last minutes, delete it after a look: ${remove}`;
}
