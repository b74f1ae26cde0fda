/** The answers to requests that carried an Idempotency-Key. */
import type { AnswerRow } from "../../handlers/ports-credentials.ts";
import { one, sql } from "./row.ts";
import type { Sql } from "./sql.ts";

const ANSWER = sql(
  "answer_by_key",
  "select digest, status, body from answer where caller = $1 and key = $2 and at >= $3",
);
// The transaction has read that there is no answer that counts: it replaces an old one, or conflicts with a new one.
const PUT = sql(
  "answer_put",
  `insert into answer (caller, key, digest, status, body, at) values ($1, $2, $3, $4, $5, $6)
   on conflict (caller, key) do update set digest = excluded.digest, status = excluded.status,
     body = excluded.body, at = excluded.at`,
);
const FORGET = sql(
  "answer_forget",
  `delete from answer where (caller, key) in
     (select caller, key from answer where at < $1 order by at, caller, key limit $2)`,
);

export function answer(db: Sql, caller: string, key: string, since: Date): Promise<AnswerRow | null> {
  return one<AnswerRow>(db, ANSWER, [caller, key, since]);
}

export async function putAnswer(
  db: Sql,
  caller: string,
  key: string,
  { digest, status, body }: AnswerRow,
  at: Date,
): Promise<void> {
  await db.query(PUT, [caller, key, digest, status, body, at]);
}

export async function forgetAnswers(db: Sql, answered: Date, limit: number): Promise<number> {
  return (await db.query(FORGET, [answered, limit])).rowCount;
}
