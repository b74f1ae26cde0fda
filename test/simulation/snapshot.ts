import type pg from "pg";
import type { SqlText } from "../../service/adapters/store/sql.ts";

/** What an outsider who may read the whole store sees; times in ISO 8601. */
export interface Snapshot {
  readonly wakeup: readonly {
    readonly topic: string;
    readonly key: string;
    readonly due_at: string;
    readonly attempts: number;
    readonly lease: string | null;
  }[];
  readonly cluster: readonly ClusterSeen[];
  readonly environment: readonly EnvironmentSeen[];
  readonly statement: readonly StatementSeen[];
  readonly command: readonly CommandSeen[];
  readonly report: readonly {
    readonly pull_key: string;
    readonly comment_id: number | null;
    readonly audit_at: string | null;
  }[];
  readonly check_run: readonly { readonly pull_key: string; readonly audit_at: string | null }[];
  readonly delivery: readonly { readonly guid: string }[];
}

export interface ClusterSeen {
  readonly id: string;
  readonly environment_id: string;
  readonly status: string;
  readonly use: string;
  readonly reason: string | null;
  readonly identifier: string | null;
  readonly stack: string | null;
  readonly client_token: string;
  readonly kind: string;
  readonly fenced_at: string | null;
  readonly retired_until: string | null;
  readonly migration_state: string;
  readonly migration_generation: number;
  readonly verified_generation: number;
}

export interface EnvironmentSeen {
  readonly id: string;
  readonly kind: string;
  readonly owner_key: string;
  /** Of a pull request only, as `customer_key` is of a customer. */
  readonly pull_key: string | null;
  readonly customer_key: string | null;
  readonly labels: string;
  readonly wanted_at: string;
  readonly wanted: string;
  readonly wanted_reason: string;
  readonly generation: number;
  readonly plan_generation: number;
  readonly plan_problem: string | null;
  readonly head_sha: string;
  readonly until: string | null;
  readonly queued_at: string | null;
  readonly serving_id: string | null;
  readonly next_id: string | null;
  readonly ready_at: string | null;
  readonly ended_at: string | null;
}

export interface StatementSeen {
  readonly cluster_id: string;
  readonly file: string;
  readonly index_in_file: number;
  readonly checksum: string;
  readonly state: string;
}

export interface CommandSeen {
  readonly pull_key: string;
  readonly comment_id: number;
  readonly verb: string;
  readonly author: string;
  readonly outcome: string;
}

const TABLES: Readonly<Record<keyof Snapshot, string>> = {
  wakeup: "select topic, key, due_at, attempts, lease from wakeup order by due_at, topic, key",
  cluster: "select * from cluster order by id",
  environment: "select * from environment order by id",
  statement:
    "select cluster_id, file, index_in_file, checksum, state from statement order by cluster_id, ordinal",
  command: "select pull_key, comment_id, verb, author, outcome from command order by pull_key, comment_id",
  report: "select pull_key, comment_id, audit_at from report order by pull_key",
  check_run: "select pull_key, audit_at from check_run order by pull_key, sha",
  delivery: "select guid from delivery where handled_at is null order by guid",
};

export type Table = keyof Snapshot;
export const TABLE_NAMES = Object.keys(TABLES) as readonly Table[];

/** The tables that a statement may change. */
export function tablesOf({ text }: SqlText): readonly Table[] {
  const changed = [...text.matchAll(/\b(?:insert into|update|delete from) (\w+)/gi)].map((match) => match[1]);
  return TABLE_NAMES.filter((table) => changed.includes(table));
}

/** Reads tables again, in one statement and so at one moment; the others are as in `before`. */
export async function readSnapshot(
  client: pg.Client,
  tables: readonly Table[],
  before: Snapshot,
): Promise<Snapshot> {
  if (tables.length === 0) return before;
  const parts = tables.map(
    (table) => `'${table}', (select coalesce(json_agg(t), '[]') from (${TABLES[table]}) t)`,
  );
  const text = `select json_build_object(${parts.join(", ")}) as seen`;
  const { rows } = await client.query<{ seen: Partial<Snapshot> }>({
    name: `seen_${tables.join("_")}`,
    text,
  });
  return { ...before, ...rows[0]?.seen };
}

export const EMPTY: Snapshot = {
  wakeup: [],
  cluster: [],
  environment: [],
  statement: [],
  command: [],
  report: [],
  check_run: [],
  delivery: [],
};
