import type { Cluster } from "./cluster.ts";
import { CLUSTER_TAG, KIND_TAG, SERVICE_TAG } from "./names.ts";

/** One difference between what exists at AWS and what the store knows. */
export interface SweepFinding {
  readonly reason:
    | "unknown_row" // Ours by its tags, but no row of the store, or only one that is gone, has it.
    | "missing"; // The row says that it exists, and AWS does not list it.
  readonly identifier: string | null;
  readonly clusterId: string | null;
  readonly kind: string;
  readonly message: string;
}

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
        ? "It may hold a customer's data: nothing deletes it but a person."
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
