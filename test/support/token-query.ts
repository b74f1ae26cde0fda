import { readFile } from "node:fs/promises";
import pg from "pg";
import type { Token } from "../../service/client/client.ts";

/** Runs statements one by one with a token, by nothing but `pg`. Out: the rows of the last. */
export async function queryWith(token: Token, ...statements: string[]): Promise<Record<string, unknown>[]> {
  const { host, port, user, database, connectTo } = token;
  const client = new pg.Client({
    ...{ host: connectTo?.address ?? host, port: connectTo?.port ?? port, user, database },
    password: token.token,
    ssl: { servername: host, ...(connectTo && { ca: await readFile(connectTo.caFile, "utf8") }) },
  });
  client.on("error", () => undefined);
  await client.connect();
  try {
    let rows: Record<string, unknown>[] = [];
    for (const statement of statements) ({ rows } = await client.query(statement));
    return rows;
  } finally {
    await client.end();
  }
}
