/** What the page's forms are filled with: migrations as Aurora DSQL takes them, and one that it refuses. */

/** Tables of the examples, one for each next migration, so that none of them is created twice. */
const tables = ["invoices", "payments", "shipments", "reviews", "coupons", "suppliers", "returns"];

/** The first number after those of the repositories' own migrations. */
export const FIRST_NUMBER = 3;

/** A migration that works: `{ table, path, text }` for the number of its file. */
export function workingMigration(number) {
  const table = tables[number - FIRST_NUMBER] ?? `extra_${number}`;
  const text = `CREATE TABLE ${table} (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  order_id uuid NOT NULL,
  amount_cents bigint NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX ASYNC ${table}_order_id_idx ON ${table} (order_id);
`;
  return { table, path: pathOf(number, table), text };
}

/** A migration whose second statement DSQL refuses: a new column cannot bring a constraint or a default. */
export function refusedMigration(number) {
  const table = `discounts_${number}`;
  const text = `CREATE TABLE ${table} (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  code text NOT NULL
);

ALTER TABLE ${table} ADD COLUMN percent bigint NOT NULL DEFAULT 0;
`;
  return { table, path: pathOf(number, table), text };
}

/** The number after the highest one among the paths `migrations/0003_name.sql`. */
export function nextNumber(paths) {
  const numbers = paths.map((path) => Number(/(?:^|\/)(\d{1,9})_[^/]*$/.exec(path)?.[1] ?? 0));
  return Math.max(FIRST_NUMBER - 1, ...numbers) + 1;
}

function pathOf(number, table) {
  return `migrations/${String(number).padStart(4, "0")}_${table}.sql`;
}
