/** A piece of SQL that means something: words are in lower case, everything else as written. */
export interface SqlToken {
  kind: "word" | "quoted" | "symbol";
  text: string;
  start: number;
  end: number;
}

export interface SqlStatement {
  tokens: SqlToken[];
  /** Where its text lies, without the semicolon. */
  start: number;
  end: number;
}

const SPACE = /\s+|--[^\n]*/y;
const QUOTED = /[eE]'(?:[^'\\]|\\[\s\S]|'')*(?:'|$)|'(?:[^']|'')*(?:'|$)|"(?:[^"]|"")*(?:"|$)/y;
const DOLLAR = /\$(?:[A-Za-z_\x80-\uffff][\w\x80-\uffff]*)?\$/y;
const WORD = /[A-Za-z_\x80-\uffff][\w$\x80-\uffff]*/y;

/** Cuts SQL into statements at the semicolons that are not inside strings, comments or parentheses. Never throws. */
export function splitStatements(sql: string): SqlStatement[] {
  const statements: SqlStatement[] = [];
  let tokens: SqlToken[] = [];
  let start = 0;
  let depth = 0;
  for (const token of tokenize(sql)) {
    if (token.text === "(") depth += 1;
    if (token.text === ")") depth -= 1;
    if (token.kind === "symbol" && token.text === ";" && depth <= 0) {
      if (tokens.length > 0) statements.push({ tokens, start, end: token.start });
      tokens = [];
      start = token.end;
      continue;
    }
    tokens.push(token);
  }
  if (tokens.length > 0) statements.push({ tokens, start, end: sql.length });
  return statements;
}

function* tokenize(sql: string): Generator<SqlToken> {
  let at = 0;
  while (at < sql.length) {
    const space = match(SPACE, sql, at) ?? blockComment(sql, at);
    if (space !== undefined) {
      at = space;
      continue;
    }
    const token = nextToken(sql, at);
    yield token;
    at = token.end;
  }
}

function nextToken(sql: string, start: number): SqlToken {
  const quoted = match(QUOTED, sql, start) ?? dollarQuoted(sql, start);
  if (quoted !== undefined) return { kind: "quoted", text: sql.slice(start, quoted), start, end: quoted };
  const word = match(WORD, sql, start);
  if (word !== undefined)
    return { kind: "word", text: sql.slice(start, word).toLowerCase(), start, end: word };
  return { kind: "symbol", text: sql.charAt(start), start, end: start + 1 };
}

/** Where the pattern's match at this place ends, if it matches here. */
function match(pattern: RegExp, sql: string, at: number): number | undefined {
  pattern.lastIndex = at;
  return pattern.test(sql) ? pattern.lastIndex : undefined;
}

/** Comments of this kind nest in Postgres. */
function blockComment(sql: string, start: number): number | undefined {
  if (!sql.startsWith("/*", start)) return undefined;
  let depth = 0;
  for (let at = start; at < sql.length; at++) {
    if (sql.startsWith("/*", at)) depth += 1;
    else if (sql.startsWith("*/", at)) depth -= 1;
    else continue;
    at += 1;
    if (depth === 0) return at + 1;
  }
  return sql.length;
}

function dollarQuoted(sql: string, start: number): number | undefined {
  const open = match(DOLLAR, sql, start);
  if (open === undefined) return undefined;
  const tag = sql.slice(start, open);
  const close = sql.indexOf(tag, open);
  return close < 0 ? sql.length : close + tag.length;
}
