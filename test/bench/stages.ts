import { readFile } from "node:fs/promises";
import { LOCAL_CREDENTIALS, type Stack } from "../../local/demo/stack.ts";
import { createDsqlPool } from "../../service/adapters/dsql-connection.ts";
import type { Readiness } from "./readiness.ts";
import { median } from "./statistics.ts";

/** The time that one stage ended, taken from the service's own history. */
interface Mark {
  readonly number: number;
  readonly stage: string;
  readonly at: Date;
}

export interface Stage {
  readonly name: string;
  /** The median over all pull requests, from the end of the stage before. */
  readonly ms: number;
}

const MARKS = `
  select number, 'webhook received' as stage, received_at as at from delivery where action = 'opened'
  union all
  select v.number, replace(e.kind, '_', ' '), e.at from event e join environment v on v.id = e.environment_id
  order by 1, 3, 2`;

/** Where the time of these pull requests went, stage by stage, in the order in which the first of them passed them. */
export async function readStages(stack: Stack, readinesses: readonly Readiness[]): Promise<readonly Stage[]> {
  const marks = await readMarks(stack);
  const found = new Map<string, number[]>();
  const add = (stage: string, ms: number) => found.set(stage, [...(found.get(stage) ?? []), ms]);
  for (const { number, openedAt, ms } of readinesses) {
    let last = openedAt.getTime();
    for (const mark of marks.filter((one) => one.number === number)) {
      add(mark.stage, mark.at.getTime() - last);
      last = mark.at.getTime();
    }
    add("comment seen", openedAt.getTime() + ms - last);
  }
  return [...found].map(([name, values]) => ({ name, ms: median(values) }));
}

async function readMarks({ dsql, serviceEnv }: Stack): Promise<readonly Mark[]> {
  const pool = createDsqlPool({
    region: dsql.region,
    host: new URL(serviceEnv["OFFSHOOT_STORE_URL"] ?? "").hostname,
    credentials: async () => LOCAL_CREDENTIALS,
    connectTo: { host: dsql.frontAddress, port: dsql.frontPort },
    ca: await readFile(dsql.caFile, "utf8"),
    max: 1,
  });
  try {
    return (await pool.query<Mark>(MARKS)).rows;
  } finally {
    await pool.end();
  }
}
