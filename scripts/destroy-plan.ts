/** What a destroyed deployment leaves behind, and what goes along. */
import { parseArgs } from "node:util";
import { KIND_TAG, SERVICE_TAG } from "../service/domain/names.ts";

export interface TaggedCluster {
  readonly identifier: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** What the operator said goes along. */
export interface Told {
  readonly environments: boolean;
  readonly tenants: boolean;
  readonly store: boolean;
}

/** The command line as it was meant, or why it is not understood: a flag that was misspelt must not count as not said. */
export type Asked =
  | { readonly kind: "help" }
  | { readonly kind: "refused"; readonly text: string }
  | { readonly kind: "told"; readonly told: Told };

const FLAG = { type: "boolean", default: false } as const;
const OPTIONS = { help: FLAG, "with-environments": FLAG, "with-tenants": FLAG, "with-store": FLAG } as const;

export function readTold(args: readonly string[]): Asked {
  try {
    const { values } = parseArgs({ args: [...args], options: OPTIONS });
    if (values.help) return { kind: "help" };
    const told = {
      environments: values["with-environments"],
      tenants: values["with-tenants"],
      store: values["with-store"],
    };
    if (!told.tenants || told.environments) return { kind: "told", told };
    return misunderstood("--with-tenants goes together with --with-environments.");
  } catch (error) {
    // Node's own sentence names the flag; what it advises besides is of no use here.
    const [sentence = ""] = (error instanceof Error ? error.message : String(error)).split(". ");
    return misunderstood(`${sentence}.`);
  }
}

function misunderstood(why: string): Asked {
  return { kind: "refused", text: `${why} Nothing was removed. scripts/destroy --help tells what it takes.` };
}

export type Plan =
  | { readonly kind: "refused"; readonly text: string }
  | { readonly kind: "remove"; readonly clusters: readonly TaggedCluster[]; readonly store: string | null };

/** Shown of a long list. */
const SHOWN_MAX = 20;

/**
 * Refuses while environments live that the operator did not name: previews by --with-environments, customers' databases
 * only by --with-tenants besides. Clusters of stacks are removed by their stacks, and that needs the service. The store goes
 * only by --with-store, and only if the stack's output names it: afterwards nothing would.
 */
export function planDestroy(
  clusters: readonly TaggedCluster[],
  told: Told,
  outputs: ReadonlyMap<string, string>,
): Plan {
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
  const store = outputs.get("StoreIdentifier") ?? null;
  if (told.store && store === null) {
    const next = "Leave --with-store out, and delete the store's cluster by hand afterwards";
    const text = `The stack shows no output StoreIdentifier, so it is not known which cluster the store is. ${next}.`;
    return { kind: "refused", text };
  }
  return { kind: "remove", clusters: named, store: told.store ? store : null };
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
