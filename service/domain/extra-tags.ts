/** Tags that an organisation wants on everything that is made for it: `key=value,key=value`. */
import { TAG_VALUE_MAX } from "./names.ts";

/** DSQL's charset without the comma, which separates (dsql.md 1.3); a value may hold `=`. */
const KEY = /^[A-Za-z0-9_.:/+\-@ ]{1,128}$/;
const VALUE = /^[A-Za-z0-9_.:/=+\-@ ]*$/;
/** Of the 50 that AWS allows, ours need five; the rest is room for what CloudFormation adds. */
const EXTRA_TAGS_MAX = 30;
/** Ours, and those that AWS keeps for itself; `Name` is ours too. */
const RESERVED = /^(offshoot:|aws:|name$)/i;

/** What is wrong with the text, as the rest of a sentence; null if nothing is. */
export function extraTagsProblem(text: string): string | null {
  const pairs = pairsOf(text);
  if (pairs.length > EXTRA_TAGS_MAX) return `at most ${EXTRA_TAGS_MAX}`;
  for (const [key, value] of pairs) {
    if (value === null || !KEY.test(key))
      return "each with a key of 1 to 128 letters, digits, spaces and _.:/+-@";
    if (!VALUE.test(value) || value.length > TAG_VALUE_MAX)
      return "each with a value of at most 256 letters, digits, spaces and _.:/=+-@";
    if (RESERVED.test(key)) return "none that begins with offshoot: or aws:, or is Name";
  }
  return new Set(pairs.map(([key]) => key)).size < pairs.length ? "each key once" : null;
}

/** The tags of a text that has no problem. */
export function readExtraTags(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries(pairsOf(text).map(([key, value]) => [key, value ?? ""]));
}

function pairsOf(text: string): readonly (readonly [string, string | null])[] {
  return text
    .split(",")
    .map((part) => part.trim())
    .map((part) => {
      const at = part.indexOf("=");
      return at < 0 ? ([part, null] as const) : ([part.slice(0, at), part.slice(at + 1)] as const);
    });
}
