import { createHash } from "node:crypto";
import type { MigrationFile, Statement } from "../domain/migration.ts";
import { type ParsedStatement, parseSql } from "./splitter-parse.ts";
import {
  findPsqlInput,
  lineCounter,
  problemAt,
  type SplitAnswer,
  syntaxProblem,
  transactionProblem,
} from "./splitter-problem.ts";
import { asyncKeyword, readTokens, type Token, tokensBySemicolon, wordOf } from "./splitter-tokens.ts";

/**
 * Splits the text of one migration file. Pure and deterministic; throws nothing for a bad text.
 * Statement boundaries are the parser's own, because a semicolon may stand inside BEGIN ATOMIC … END; our tokens only
 * find what the parser does not know: DSQL's keyword ASYNC, psql's commands, and where the comments around it end.
 */
export function splitText(file: MigrationFile): SplitAnswer {
  // Editors on Windows begin a file with a byte order mark, which is no SQL.
  const text = file.text.replace(/^\uFEFF/, "");
  const source = { path: file.path, text, lineOf: lineCounter(text) };
  if (text.includes("\0") || !text.isWellFormed()) {
    const message = "The file contains a character that is not text, such as NUL. Save it as UTF-8.";
    return problemAt(source, { at: Math.max(text.indexOf("\0"), 0), sql: "", code: "22021", message });
  }
  const tokens = readTokens(text);
  const groups = tokensBySemicolon(tokens);
  const foreign = findPsqlInput(source, groups);
  if (foreign) return foreign;

  const parsed = parseSql(blankAsync(text, groups));
  if ("error" in parsed) return syntaxProblem(source, tokens, groups, parsed.error);
  const statements: Statement[] = [];
  const takeTokens = tokensWithin(tokens);
  for (const part of parsed.statements) {
    const statement = statementOf(source, part, takeTokens(part), statements.length + 1);
    if (part.node === "TransactionStmt") {
      return transactionProblem(source, statement, parsed.statements.length);
    }
    statements.push(statement);
  }
  return { statements };
}

function statementOf(
  source: { readonly path: string; readonly text: string; readonly lineOf: (at: number) => number },
  part: ParsedStatement,
  tokens: readonly Token[],
  index: number,
): Statement {
  const { text } = source;
  // From the first token to the last: a comment around a statement never changes its checksum.
  const start = tokens[0]?.start ?? part.start;
  const sql = text.slice(start, tokens.at(-1)?.end ?? part.end);
  const isAsync = asyncKeyword(text, tokens) !== null;
  const isIndex = part.node === "IndexStmt";
  return {
    file: source.path,
    index,
    line: source.lineOf(start),
    sql,
    send: isIndex && !isAsync ? makeAsync(text, sql, start, tokens) : sql,
    kind: isIndex || isAsync ? "index" : "other",
    checksum: createHash("sha256").update(sql).digest("hex"),
  };
}

/** DSQL builds every index in the background and wants to be told so: ASYNC, in the place of CONCURRENTLY. */
function makeAsync(text: string, sql: string, start: number, tokens: readonly Token[]): string {
  const at = tokens.findIndex((token) => wordOf(text, token) === "index");
  const keyword = tokens[at];
  if (!keyword) return sql;
  const next = tokens[at + 1];
  const replaced = next && wordOf(text, next) === "concurrently" ? next : keyword;
  return `${sql.slice(0, keyword.end - start)} ASYNC${sql.slice(replaced.end - start)}`;
}

/** Postgres would read ASYNC as a name; blank space of the same length keeps every offset. */
function blankAsync(text: string, groups: readonly (readonly Token[])[]): string {
  const pieces: string[] = [];
  let copied = 0;
  for (const group of groups) {
    const keyword = asyncKeyword(text, group);
    if (!keyword) continue;
    pieces.push(text.slice(copied, keyword.start), " ".repeat(keyword.end - keyword.start));
    copied = keyword.end;
  }
  pieces.push(text.slice(copied));
  return pieces.join("");
}

/** Hands out the tokens of statement after statement, in one pass over both. Separating semicolons are dropped. */
function tokensWithin(tokens: readonly Token[]): (part: ParsedStatement) => readonly Token[] {
  let at = 0;
  return (part) => {
    const within: Token[] = [];
    for (let token = tokens[at]; token && token.start < part.end; token = tokens[at]) {
      at += 1;
      if (token.start >= part.start && token.kind !== "semicolon") within.push(token);
    }
    return within;
  };
}
