/** Which clusters a destroyed deployment leaves behind, and which go along. Pure. */
import { KIND_TAG, SERVICE_TAG } from "../service/domain/names.ts";

export interface TaggedCluster {
  readonly identifier: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** What the operator said goes along. */
export interface Told {
  readonly environments: boolean;
  readonly tenants: boolean;
}

export type Plan =
  | { readonly kind: "refused"; readonly text: string }
  | { readonly kind: "remove"; readonly clusters: readonly TaggedCluster[] };

/** Shown of a long list. */
const SHOWN_MAX = 20;

/**
 * Refuses while environments live that the operator did not name: previews by --with-environments, customers' databases
 * only by --with-tenants besides. Clusters of stacks are removed by their stacks, and that needs the service.
 */
export function planDestroy(clusters: readonly TaggedCluster[], told: Told): Plan {
  const living = clusters.filter(
    ({ tags }) => tags[SERVICE_TAG] === "offshoot" && tags[KIND_TAG] !== "store",
  );
  const named = living.filter(({ tags }) =>
    tags[KIND_TAG] === "tenant" ? told.environments && told.tenants : told.environments,
  );
  const left = living.filter((cluster) => !named.includes(cluster));
  if (left.length > 0) return refused(left, "still live. Remove them first, or say", told);
  const stacked = named.filter(({ tags }) => tags["aws:cloudformation:stack-name"] !== undefined);
  if (stacked.length > 0) {
    return refused(
      stacked,
      "of CloudFormation stacks, which only the service removes. Remove them first",
      null,
    );
  }
  return { kind: "remove", clusters: named };
}

function refused(clusters: readonly TaggedCluster[], why: string, told: Told | null): Plan {
  const lines = clusters.slice(0, SHOWN_MAX).map(lineOf);
  const more = clusters.length > SHOWN_MAX ? [`  and ${clusters.length - SHOWN_MAX} more`] : [];
  const hasTenants = clusters.some(({ tags }) => tags[KIND_TAG] === "tenant");
  const flags = hasTenants ? "--with-environments --with-tenants" : "--with-environments";
  const end = told === null ? "." : ` ${flags} to delete them with their data.`;
  return {
    kind: "refused",
    text: [`${count(clusters.length)} ${why}${end}`, ...lines, ...more].join("\n"),
  };
}

function count(clusters: number): string {
  return clusters === 1 ? "1 database is" : `${clusters} databases are`;
}

function lineOf({ identifier, tags }: TaggedCluster): string {
  return `  ${identifier}  ${tags[KIND_TAG] ?? "?"}  ${tags["Name"] ?? ""}`;
}
