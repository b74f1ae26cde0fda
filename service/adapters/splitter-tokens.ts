/** One token of SQL text. Offsets are UTF-16 indices; `end` is exclusive. Blank space and comments are no tokens. */
export interface Token {
  readonly kind: "word" | "string" | "semicolon" | "other";
  readonly start: number;
  readonly end: number;
}

/** Postgres lets every character above ASCII begin and continue a name (scan.l, ident_start). */
const WORD = /[A-Za-z_\u0080-\uffff][A-Za-z0-9_$\u0080-\uffff]*/y;
const DOLLAR_TAG = /\$(?:[A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*)?\$/y;
/** A parameter or a number: eaten whole, so that `1$$` does not open a dollar quote in the middle. */
const NUMBER = /\$?[0-9][A-Za-z0-9_.$\u0080-\uffff]*/y;
const BLANK = /[ \t\n\r\f\v]+/y;
const COMMENT_MARK = /\/\*|\*\//g;
const LINE_END = /[\n\r]/g;

/**
 * Reads SQL as far as quoting and comments go, by the rules of Postgres' scan.l, so that a semicolon or a keyword in a
 * string is never taken for one. Never throws: something that is not closed ends with the text, the parser reports it.
 */
export function readTokens(text: string): readonly Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    const skipped = skipBlank(text, at);
    if (skipped > at) {
      at = skipped;
      continue;
    }
    const token = readToken(text, at);
    tokens.push(token);
    at = token.end;
  }
  return tokens;
}

/** The end of the blank space or the comment that begins at `at`; `at` itself if there is none. */
function skipBlank(text: string, at: number): number {
  if (text.startsWith("--", at)) {
    LINE_END.lastIndex = at;
    return LINE_END.exec(text)?.index ?? text.length;
  }
  if (text.startsWith("/*", at)) return endOfComment(text, at);
  return endOfMatch(BLANK, text, at) ?? at;
}

/** Comments nest in Postgres. */
function endOfComment(text: string, at: number): number {
  let depth = 0;
  COMMENT_MARK.lastIndex = at;
  for (let mark = COMMENT_MARK.exec(text); mark; mark = COMMENT_MARK.exec(text)) {
    depth += mark[0] === "/*" ? 1 : -1;
    if (depth === 0) return COMMENT_MARK.lastIndex;
  }
  return text.length;
}

function readToken(text: string, start: number): Token {
  const first = text.charAt(start);
  if (first === ";") return { kind: "semicolon", start, end: start + 1 };
  if (first === "'" || first === '"') {
    return { kind: first === "'" ? "string" : "word", start, end: endOfQuote(text, start, first) };
  }
  if (/[eE]/.test(first) && text.charAt(start + 1) === "'") {
    return { kind: "string", start, end: endOfEscapeString(text, start + 1) };
  }
  const tagEnd = endOfMatch(DOLLAR_TAG, text, start);
  if (tagEnd !== null) {
    const close = text.indexOf(text.slice(start, tagEnd), tagEnd);
    return { kind: "string", start, end: close < 0 ? text.length : close + tagEnd - start };
  }
  const wordEnd = endOfMatch(WORD, text, start);
  if (wordEnd !== null) return { kind: "word", start, end: wordEnd };
  return { kind: "other", start, end: endOfMatch(NUMBER, text, start) ?? start + 1 };
}

/** A doubled quote is found as the end of one string and the start of the next, which comes to the same. */
function endOfQuote(text: string, start: number, quote: string): number {
  const close = text.indexOf(quote, start + 1);
  return close < 0 ? text.length : close + 1;
}

function endOfEscapeString(text: string, quoteAt: number): number {
  for (let at = quoteAt + 1; at < text.length; at += 1) {
    if (text.charAt(at) === "\\") at += 1;
    else if (text.charAt(at) === "'") {
      if (text.charAt(at + 1) !== "'") return at + 1;
      at += 1; // a doubled quote: what follows is still an escape string
    }
  }
  return text.length;
}

function endOfMatch(pattern: RegExp, text: string, at: number): number | null {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : null;
}

/** The text of a token in lower case, as keywords compare; quoted names keep their quotes and so match none. */
export function wordOf(text: string, token: Token): string {
  return token.kind === "word" ? text.slice(token.start, token.end).toLowerCase() : "";
}

/** The tokens between semicolons; empty groups are left out. Inside BEGIN ATOMIC … END this is finer than statements. */
export function tokensBySemicolon(tokens: readonly Token[]): readonly (readonly Token[])[] {
  const groups: Token[][] = [[]];
  for (const token of tokens) {
    if (token.kind === "semicolon") groups.push([]);
    else groups.at(-1)?.push(token);
  }
  return groups.filter((group) => group.length > 0);
}

/**
 * DSQL's keyword in `CREATE [UNIQUE] INDEX ASYNC …` and `ALTER TABLE ASYNC <table> VALIDATE CONSTRAINT …`; null if it is not there.
 * After INDEX an unquoted ASYNC is always the keyword; after TABLE it is one only if a table's name follows it.
 */
export function asyncKeyword(text: string, tokens: readonly Token[]): Token | null {
  const words = tokens.slice(0, 10).map((token) => wordOf(text, token));
  const at = words.indexOf("async");
  const before = words.slice(0, at).join(" ");
  if (at < 0) return null;
  if (before === "create index" || before === "create unique index") return tokens[at] ?? null;
  // A name, or a schema, a dot and a name.
  const verb = [at + 2, at + 4].find((place) => words[place] === "validate");
  if (before === "alter table" && verb && words[verb + 1] === "constraint") return tokens[at] ?? null;
  return null;
}
