import { type SqlStatement, type SqlToken, splitStatements } from "./lexer.ts";

/** What becomes of one statement. */
export type Verdict =
  | { kind: "pass" }
  | { kind: "index" /** Where the word ASYNC lies in the SQL. */; asyncStart: number; asyncEnd: number }
  | { kind: "refuse"; code: string; message: string };

/** Statements that start with one of these words are looked at, wherever in the text they start. Everything else costs one search. */
const SUSPICIOUS = /(?:^|;|\n|\*\/)\s*create\b/i;

/**
 * Rewrites what plain Postgres would take differently from DSQL: CREATE INDEX ASYNC becomes a call that answers a job id, and
 * what DSQL refuses becomes a call that raises DSQL's error, so that Postgres itself keeps the state of the transaction. Out:
 * the new text; undefined when there is nothing to change, which is found out cheaply.
 */
export function rewriteSql(sql: string, indexBuildMs: number): string | undefined {
  if (!SUSPICIOUS.test(sql)) return undefined;
  let rewritten = "";
  let copied = 0;
  for (const statement of splitStatements(sql)) {
    const verdict = judge(statement);
    if (verdict.kind === "pass") continue;
    // The text before the first token is white space or comments, and stays in front.
    const start = statement.tokens[0]?.start ?? statement.start;
    rewritten += sql.slice(copied, start) + replacement(sql, start, statement.end, verdict, indexBuildMs);
    copied = statement.end;
  }
  return copied === 0 ? undefined : rewritten + sql.slice(copied);
}

function replacement(
  sql: string,
  start: number,
  end: number,
  verdict: Exclude<Verdict, { kind: "pass" }>,
  indexBuildMs: number,
): string {
  if (verdict.kind === "refuse")
    return `select sys._refuse(${literal(verdict.code)}, ${literal(verdict.message)})`;
  const plain = sql.slice(start, verdict.asyncStart) + sql.slice(verdict.asyncEnd, end);
  return `select sys._create_index(${literal(plain)}, ${indexBuildMs}) as job_id`;
}

/** Right under both values of standard_conforming_strings. */
function literal(text: string): string {
  return `E'${text.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;
}

function judge({ tokens }: SqlStatement): Verdict {
  const index = tokens.findIndex((token, place) => place < 3 && isWord(token, "index"));
  const [first, second] = tokens;
  const isCreateIndex = isWord(first, "create") && (index === 1 || (index === 2 && isWord(second, "unique")));
  return isCreateIndex ? judgeCreateIndex(tokens[index + 1]) : { kind: "pass" };
}

/** An unquoted ASYNC after INDEX is always the keyword. Texts as recorded in September 2026. */
function judgeCreateIndex(next: SqlToken | undefined): Verdict {
  if (next && isWord(next, "async")) return { kind: "index", asyncStart: next.start, asyncEnd: next.end };
  if (isWord(next, "concurrently")) return refuse("CONCURRENTLY not supported for CREATE INDEX");
  return refuse("unsupported mode. please use CREATE INDEX ASYNC.");
}

function refuse(message: string): Verdict {
  return { kind: "refuse", code: "0A000", message };
}

function isWord(token: SqlToken | undefined, text: string): boolean {
  return token?.kind === "word" && token.text === text;
}
