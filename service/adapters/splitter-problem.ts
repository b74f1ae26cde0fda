import type { MigrationProblem, Statement } from "../domain/migration.ts";
import type { ParseError } from "./splitter-parse.ts";
import { type Token, wordOf } from "./splitter-tokens.ts";

/** A problem is kept with its environment and shown in a comment: the beginning of the statement is enough for both. */
const PROBLEM_SQL_CHARACTERS = 4_000;

export type SplitAnswer =
  | { readonly statements: readonly Statement[] }
  | { readonly problem: MigrationProblem };

interface Source {
  readonly path: string;
  readonly text: string;
}

/** Tells the 1-based lines of indices of the text that are asked for in rising order, in one pass over it. */
export function lineCounter(text: string): (at: number) => number {
  let line = 1;
  let end = text.indexOf("\n");
  return (at) => {
    for (; end >= 0 && end < at; end = text.indexOf("\n", end + 1)) line += 1;
    return line;
  };
}

/** A problem of the file as a whole: it could not be split, so there is no statement to count. */
export function problemAt(
  source: Source,
  found: { readonly at: number; readonly sql: string; readonly code: string; readonly message: string },
): SplitAnswer {
  const { at, sql, code, message } = found;
  const problem = {
    file: source.path,
    line: lineCounter(source.text)(at),
    index: 0,
    count: 0,
    code,
    message,
  };
  return { problem: { ...problem, sql: sql.slice(0, PROBLEM_SQL_CHARACTERS) } };
}

/** What only psql understands, and Postgres would call a syntax error far from its cause. Null if there is none. */
export function findPsqlInput(source: Source, groups: readonly (readonly Token[])[]): SplitAnswer | null {
  for (const group of groups) {
    const words = group.map((token) => wordOf(source.text, token));
    if (words[0] === "copy" && words.some((word, at) => word === "from" && words[at + 1] === "stdin")) {
      const message = "COPY … FROM STDIN needs psql, which sends the data. Write INSERT statements instead.";
      return problemAt(source, { ...spanOf(source, group), code: "copy_from_stdin", message });
    }
    const command = group.find(
      (token) => source.text[token.start] === "\\" && startsLine(source.text, token),
    );
    if (command) {
      const sql = /^.*/.exec(source.text.slice(command.start))?.[0] ?? "";
      const message = "This is a command of psql, not SQL. Write it as SQL or remove it.";
      return problemAt(source, { at: command.start, sql, code: "psql_command", message });
    }
  }
  return null;
}

/** The parser's own message, at the line of the token that it stumbled over. */
export function syntaxProblem(
  source: Source,
  tokens: readonly Token[],
  groups: readonly (readonly Token[])[],
  error: ParseError,
): SplitAnswer {
  // "at end of input" means the last thing written, not the blank lines after it.
  const at = Math.min(error.at, Math.max((tokens.at(-1)?.end ?? 1) - 1, 0));
  const group = groups.findLast((tokensOfGroup) => (tokensOfGroup[0]?.start ?? 0) <= at) ?? [];
  const { sql } = spanOf(source, group);
  return problemAt(source, { at, sql, code: "42601", message: error.message });
}

/** Offshoot runs each statement in a transaction of its own, as DSQL asks for DDL, and records each in its ledger. */
export function transactionProblem(source: Source, statement: Statement, count: number): SplitAnswer {
  const { line, index, sql } = statement;
  const code = "transaction_control";
  const message =
    "Each statement runs in a transaction of its own, so BEGIN, COMMIT, ROLLBACK and SAVEPOINT cannot be used. Remove them.";
  return {
    problem: {
      file: source.path,
      line,
      index,
      count,
      sql: sql.slice(0, PROBLEM_SQL_CHARACTERS),
      code,
      message,
    },
  };
}

function spanOf(source: Source, group: readonly Token[]): { readonly at: number; readonly sql: string } {
  const at = group[0]?.start ?? 0;
  return { at, sql: source.text.slice(at, group.at(-1)?.end ?? at) };
}

function startsLine(text: string, token: Token): boolean {
  return text.slice(text.lastIndexOf("\n", token.start - 1) + 1, token.start).trim() === "";
}
