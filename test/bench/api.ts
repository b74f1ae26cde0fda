import { randomBytes } from "node:crypto";
import { makeId } from "../../service/domain/ids.ts";
import { askAs, createApiService } from "../support/api-service.ts";
import { startStore, type TestStore } from "../support/store.ts";
import type { Bench, Result } from "./result.ts";
import { percentile } from "./statistics.ts";

const CUSTOMERS = 100_000;
/** One statement may hold this many rows of a table without needing much memory. */
const BATCH = 10_000;
const GETS = 2_000;
const PAGE = 100;
/** Pages at the beginning, in the middle and at the end of all. */
const DEPTHS = [0, 0.5, 0.99] as const;
const LISTS = 60;
const WARM_UP = 200;

/** Reading through the whole HTTP application, with a real key, on a store of 100,000 customers. */
export async function benchApi({ tell }: Bench): Promise<readonly Result[]> {
  const base = await startStore({ settings: { fsync: "on", synchronous_commit: "on" } });
  try {
    tell(`writing ${CUSTOMERS} customers`);
    const ids = await seed(base);
    const service = createApiService(base);
    await service.app.ready();
    const key = await service.key({ scopes: ["read"] });
    const get = await timed(GETS, (at) =>
      ask(service, key, `/v1/environments/${ids[(at * 7919) % ids.length]}`),
    );
    const tenant = await timed(GETS, (at) => ask(service, key, `/v1/tenants/c${(at * 7919) % CUSTOMERS}`));
    const lists: number[] = [];
    for (const depth of DEPTHS) {
      const after = depth === 0 ? "" : `&cursor=${ids[Math.floor(ids.length * depth)]}`;
      lists.push(
        percentile(await timed(LISTS, () => ask(service, key, `/v1/tenants?limit=${PAGE}${after}`)), 0.5),
      );
    }
    const labelled = await timed(LISTS, () => ask(service, key, `/v1/tenants?limit=${PAGE}&label=plan=pro`));
    await service.app.close();
    return [result(get, tenant, lists, labelled)];
  } finally {
    await base.stop();
  }
}

function result(
  get: readonly number[],
  tenant: readonly number[],
  [first = 0, middle = 0, last = 0]: readonly number[],
  labelled: readonly number[],
): Result {
  return {
    benchmark: `API, in process with authentication, ${CUSTOMERS} customers in a Postgres with fsync`,
    lines: [
      {
        name: "GET /v1/environments/{id}, p50",
        value: percentile(get, 0.5),
        unit: "ms",
        target: { most: 3 },
      },
      { name: "GET /v1/environments/{id}, p95", value: percentile(get, 0.95), unit: "ms" },
      { name: "GET /v1/tenants/{key}, p50", value: percentile(tenant, 0.5), unit: "ms", target: { most: 3 } },
      { name: `list of ${PAGE}, first page, p50`, value: first, unit: "ms", target: { most: 20 } },
      { name: `list of ${PAGE}, middle, p50`, value: middle, unit: "ms", target: { most: 20 } },
      { name: `list of ${PAGE}, last pages, p50`, value: last, unit: "ms", target: { most: 20 } },
      { name: "last page over the first", value: last / first, unit: "x", target: { most: 1.5 } },
      {
        name: `list of ${PAGE} by label, p50`,
        value: percentile(labelled, 0.5),
        unit: "ms",
        target: { most: 20 },
      },
    ],
    notes: ["one request at a time, through Fastify's inject: no socket, everything else"],
  };
}

/** Rows as putTenant and its steps leave them, written in bulk. */
async function seed({ pool }: TestStore): Promise<readonly string[]> {
  const began = Date.now() - CUSTOMERS;
  const ids = Array.from({ length: CUSTOMERS }, (_, at) =>
    makeId("env", new Date(began + at), randomBytes(12)),
  );
  for (let at = 0; at < CUSTOMERS; at += BATCH) {
    const batch = [ids.slice(at, at + BATCH), at];
    await pool.query(
      `insert into environment (id, owner_key, database, author, kind, customer_key, wanted, wanted_reason, generation,
         head_sha, wanted_at, present_since, plan_generation, ready_at, labels, limits, protected, revision,
         reset_generation, serving_id, version)
       select id, 'tenant:c' || ($2::int + n - 1), 'c', '', 'tenant', 'c' || ($2::int + n - 1), 'present', 'api_create', 1,
         '', now(), now(), 1, now(), '{"plan":"' || case when n % 2 = 0 then 'pro' else 'free' end || '"}', '{}', true, 1,
         0, 'cl_' || id, 1
       from unnest($1::text[]) with ordinality as e(id, n)`,
      batch,
    );
    await pool.query(
      `insert into cluster (id, environment_id, kind, account, region, status, use, client_token, identifier, arn,
         endpoint, status_since, created_at, migration_generation, migration_state, verified_generation, verified_at,
         version)
       select 'cl_' || id, id, 'tenant', '111122223333', 'us-east-1', 'available', 'serve', 'tok', repeat('a', 26), 'arn',
         repeat('a', 26) || '.dsql.us-east-1.on.aws', now(), now(), 1, 'applied', 1, now(), 1
       from unnest($1::text[]) as e(id)`,
      batch.slice(0, 1),
    );
    await pool.query(
      `insert into label (name, value, environment_id)
       select 'plan', case when n % 2 = 0 then 'pro' else 'free' end, id
       from unnest($1::text[]) with ordinality as e(id, n)`,
      batch.slice(0, 1),
    );
  }
  await pool.query("analyze");
  return ids;
}

async function timed(times: number, one: (at: number) => Promise<unknown>): Promise<readonly number[]> {
  for (let at = 0; at < Math.min(WARM_UP, times); at += 1) await one(at);
  const took: number[] = [];
  for (let at = 0; at < times; at += 1) {
    const begun = performance.now();
    await one(at);
    took.push(performance.now() - begun);
  }
  return took;
}

async function ask(service: Parameters<typeof askAs>[0], key: string, url: string): Promise<void> {
  const answer = await askAs(service, key, "GET", url);
  if (answer.statusCode !== 200) throw new Error(`${url} answered ${answer.statusCode}: ${answer.body}`);
}
