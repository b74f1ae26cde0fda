import type { Cluster } from "../domain/cluster.ts";
import { Retryable } from "../domain/errors.ts";
import { compareInventory, compareStacks, type SweepFinding } from "../domain/sweep.ts";
import type { Context } from "./context.ts";

/** Rows per statement. */
const PAGE = 1_000;

/** What was compared, and what differs. */
export interface SweepReport {
  readonly listed: number;
  readonly rows: number;
  readonly findings: readonly SweepFinding[];
}

/**
 * Compares every cluster of the account and Region with the store's rows, and the stacks below the prefix where there may
 * be some; changes nothing. AWS is listed between two readings of the rows, so that one that comes or goes meanwhile is no
 * finding. Throws Retryable `aws_unavailable`.
 */
export async function sweep(
  context: Pick<Context, "store" | "control" | "stacks"> & {
    readonly policy: Pick<Context["policy"], "account" | "region" | "stacks">;
  },
): Promise<SweepReport> {
  const before = await clusterRows(context);
  const listed = await context.control.inventory();
  const stacks = await stacksBeside(context, before);
  if (!listed) {
    const { region } = context.policy;
    throw new Retryable("aws_unavailable", `The clusters in ${region} could not all be read. Try again.`);
  }
  const after = new Map((await clusterRows(context)).map((row) => [row.id, row]));
  const seen = new Set(before.map(({ id }) => id));
  // Only a row that was there before and after the list can miss its cluster.
  const steady = (id: string | null) => id !== null && seen.has(id) && after.has(id);
  const rows = [...before.filter(({ id }) => !after.has(id)), ...after.values()];
  const clusters = compareInventory(listed, rows).filter(
    ({ reason, clusterId }) => reason !== "missing" || steady(clusterId),
  );
  const findings = [...clusters, ...compareStacks(stacks, rows)];
  return { listed: listed.length, rows: after.size, findings };
}

/** A service that makes no stacks, and has none, needs no right to list them. */
async function stacksBeside({ stacks, policy }: Parameters<typeof sweep>[0], rows: readonly Cluster[]) {
  const known = new Set(rows.flatMap(({ stack }) => (stack === null ? [] : [stack])));
  if (policy.stacks.for === "none" && known.size === 0) return [];
  return stacks.others(policy.stacks.prefix, known);
}

/** Every row of the account and Region whose cluster is not gone, page by page. */
export async function clusterRows({
  store,
  policy,
}: Pick<Context, "store"> & {
  readonly policy: Pick<Context["policy"], "account" | "region">;
}): Promise<readonly Cluster[]> {
  const rows: Cluster[] = [];
  for (let after = ""; ; ) {
    const page = await store.clustersIn(policy.account, policy.region, after, PAGE);
    rows.push(...page);
    const last = page.at(-1);
    if (!last || page.length < PAGE) return rows;
    after = last.id;
  }
}
