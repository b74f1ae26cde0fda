/** Pages of environments, by an index whatever the filter, in the order of ids. */
import type { Environment } from "../../domain/environment.ts";
import type { EnvironmentFilter } from "../../handlers/ports-store.ts";
import { COLUMNS, fromRow, type Row } from "./environments.ts";
import { sql } from "./row.ts";
import type { Sql } from "./sql.ts";

const PLAIN = COLUMNS.split(",")
  .map((column) => `e.${column.trim()}`)
  .join(", ");
// One statement per way in, because a plan that is right for each of them does not exist. $1 after, $2 limit.
const ALL = sql(
  "environments_all",
  `select ${PLAIN} from environment e where e.id > $1 order by e.id limit $2`,
);
const BY_KIND = sql(
  "environments_by_kind",
  `select ${PLAIN} from environment e where e.kind = $3 and e.id > $1 order by e.id limit $2`,
);
const BY_REPOSITORY = sql(
  "environments_by_repository",
  `select ${PLAIN} from environment e
   where e.repository_id = $3 and ($4::integer is null or e.number = $4) and ($5::text is null or e.git_branch = $5)
     and ($6::text is null or e.kind = $6) and e.id > $1
   order by e.id limit $2`,
);
// The first label leads through the index; what else is asked of is checked on the few that it gives.
const BY_LABEL = sql(
  "environments_by_label",
  `select ${PLAIN} from label l join environment e on e.id = l.environment_id
   where l.name = $3 and l.value = $4 and l.environment_id > $1
     and ($5::text is null or e.kind = $5) and ($6::bigint is null or e.repository_id = $6)
     and not exists (
       select 1 from unnest($7::text[], $8::text[]) as w(n, v)
       where not exists (
         select 1 from label o where o.name = w.n and o.value = w.v and o.environment_id = l.environment_id))
   order by l.environment_id limit $2`,
);

export async function listEnvironments(db: Sql, filter: EnvironmentFilter): Promise<readonly Environment[]> {
  const { after, limit, kind = null, repositoryId = null } = filter;
  const [label, ...others] = Object.entries(filter.labels ?? {});
  const page = [after, limit];
  const run = async (statement: typeof ALL, values: readonly unknown[]) =>
    (await db.query<Row>(statement, [...page, ...values])).rows.map(fromRow);
  if (label) {
    const more = [others.map(([name]) => name), others.map(([, value]) => value)];
    return run(BY_LABEL, [...label, kind, repositoryId, ...more]);
  }
  if (repositoryId !== null) {
    return run(BY_REPOSITORY, [repositoryId, filter.number ?? null, filter.gitBranch ?? null, kind]);
  }
  return kind === null ? run(ALL, []) : run(BY_KIND, [kind]);
}
