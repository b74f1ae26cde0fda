import { hasSqlDetails, parseSync } from "libpg-query";

/** A statement where the parser saw it, comments around it included. Offsets are UTF-16 indices. */
export interface ParsedStatement {
  /** The name of the parse tree's node, such as `IndexStmt`. */
  readonly node: string;
  readonly start: number;
  readonly end: number;
}

export interface ParseError {
  readonly message: string;
  readonly at: number;
}

interface ParseTree {
  readonly stmts?: readonly {
    readonly stmt: object;
    readonly stmt_location?: number;
    readonly stmt_len?: number;
  }[];
}

/**
 * Parses by the grammar of Postgres 16. libpg-query must have been loaded (`loadModule`).
 * It counts statements in bytes of UTF-8 and errors in code points; both come out as indices of the text.
 */
export function parseSql(
  text: string,
): { readonly statements: readonly ParsedStatement[] } | { readonly error: ParseError } {
  if (text.trim() === "") return { statements: [] };
  try {
    const tree = parseSync(text) as ParseTree;
    const indexOfByte = byteIndex(text);
    const statements = (tree.stmts ?? []).map(({ stmt, stmt_location = 0, stmt_len }) => ({
      node: Object.keys(stmt)[0] ?? "",
      start: indexOfByte(stmt_location),
      end: stmt_len ? indexOfByte(stmt_location + stmt_len) : text.length,
    }));
    return { statements };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const codePoint = hasSqlDetails(error) ? error.sqlDetails.cursorPosition : 0;
    return { error: { message: error.message, at: codePointIndex(text, codePoint) } };
  }
}

/** Turns byte offsets, asked for in rising order, into indices of the text. */
function byteIndex(text: string): (byte: number) => number {
  const bytes = Buffer.from(text, "utf8");
  if (bytes.length === text.length) return (byte) => byte;
  let lastByte = 0;
  let lastIndex = 0;
  return (byte) => {
    lastIndex += bytes.toString("utf8", lastByte, byte).length;
    lastByte = byte;
    return lastIndex;
  };
}

function codePointIndex(text: string, count: number): number {
  let index = 0;
  for (let seen = 0; seen < count && index < text.length; seen += 1) {
    index += (text.codePointAt(index) ?? 0) > 0xffff ? 2 : 1;
  }
  return index;
}
