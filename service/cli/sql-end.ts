/** Where SQL statements end, as far as a prompt must know it: quotes, dollar quotes and comments are looked through. */

const DOLLAR = /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y;

/** The statements that have their semicolon, and what follows the last of them. */
export function splitSql(text: string): { readonly complete: readonly string[]; readonly rest: string } {
  const complete: string[] = [];
  let start = 0;
  for (let i = 0; i < text.length; ) {
    const next = endOfToken(text, i);
    if (next === null) break;
    if (text[i] === ";") {
      const statement = text.slice(start, i).trim();
      if (statement !== "") complete.push(statement);
      start = next;
    }
    i = next;
  }
  return { complete, rest: text.slice(start) };
}

/** Where what begins at `at` ends; null if its end has not come yet. */
function endOfToken(text: string, at: number): number | null {
  const character = text[at];
  if (character === "'" || character === '"') return endOfQuote(text, at, character);
  if (text.startsWith("--", at)) return after(text, "\n", at);
  if (text.startsWith("/*", at)) return endOfComment(text, at);
  if (character === "$" && !/[\w$]/.test(text[at - 1] ?? "")) {
    DOLLAR.lastIndex = at;
    const tag = DOLLAR.exec(text)?.[0];
    if (tag) return after(text, tag, at + tag.length);
  }
  return at + 1;
}

function endOfQuote(text: string, at: number, quote: string): number | null {
  const escapes = quote === "'" && /(^|[^\w$])[eE]$/.test(text.slice(Math.max(0, at - 2), at));
  for (let i = at + 1; i < text.length; i += 1) {
    if (escapes && text[i] === "\\") i += 1;
    else if (text[i] === quote && text[i + 1] === quote) i += 1;
    else if (text[i] === quote) return i + 1;
  }
  return null;
}

/** Comments nest, as the standard has it. */
function endOfComment(text: string, at: number): number | null {
  let depth = 0;
  for (let i = at; i < text.length; i += 1) {
    if (text.startsWith("/*", i)) depth += 1;
    else if (text.startsWith("*/", i)) depth -= 1;
    else continue;
    i += 1;
    if (depth === 0) return i + 1;
  }
  return null;
}

function after(text: string, what: string, from: number): number | null {
  const found = text.indexOf(what, from);
  return found === -1 ? null : found + what.length;
}
