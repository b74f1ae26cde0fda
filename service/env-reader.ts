/** Reads environment variables one by one and remembers every problem, so that they can be told together. */

/** Everything that is wrong with the environment variables, one line each. */
export class ConfigProblems extends Error {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(
      `The configuration has ${problems.length} problem${problems.length === 1 ? "" : "s"}:\n${problems.join("\n")}`,
    );
    this.name = "ConfigProblems";
    this.problems = problems;
  }
}

export interface Reader {
  /** A text that matches; `fallback` undefined means required. */
  text(name: string, pattern: RegExp, expected: string, fallback?: string): string;
  optional(name: string, pattern: RegExp, expected: string): string | null;
  /** A required text that is never repeated in a message. Empty if it is missing, which is then a problem already. */
  secret(name: string, expected: string): string;
  /** A whole number within bounds; `fallback` null means required. */
  integer(name: string, least: number, most: number, fallback: number | null): number;
  oneOf<Value extends string>(name: string, values: readonly Value[], fallback: Value): Value;
  /** The path of a file, or null if the variable is not set; nothing is read. */
  path(name: string, expected: string): string | null;
  /** A URL without a trailing slash. */
  url(name: string, protocols: readonly string[], fallback: string): string;
  /** Knows a variable whose value does not matter, because another one stands in for it. */
  ignore(name: string): void;
  problem(name: string, given: string, expected: string): void;
  /** Every variable that was read, in that order. */
  variables(): readonly Variable[];
  /** Throws if there is a problem. */
  throwProblems(): void;
  /**
   * Also calls a variable of ours that nobody reads a problem: it is most likely misspelt. Problems of the variables in
   * `without` do not count.
   */
  finish(without?: readonly string[]): void;
}

/** One variable as the reader met it. */
export interface Variable {
  readonly name: string;
  readonly expected: string;
  /** What holds if it is not set; null if it must be set, empty if nothing then happens. */
  readonly fallback: string | null;
}

/** How much of a wrong value is repeated. */
const SHOWN_CHARACTERS = 60;
/** Linux takes no longer ones. */
const PATH = /^\S.{0,4094}$/;

export function createReader(env: Readonly<Record<string, string | undefined>>): Reader {
  // A variable that two parts read is told once.
  const problems = new Set<string>();
  const known = new Map<string, Variable>();
  const get = (name: string, expected: string, fallback: string | null): string | null => {
    known.set(name, { name, expected, fallback });
    const value = env[name]?.trim();
    return value === undefined || value === "" ? null : value;
  };
  const problem = (name: string, given: string, expected: string) =>
    void problems.add(`${name}: given ${given.slice(0, SHOWN_CHARACTERS)}; expected ${expected}.`);
  /** The given value if it passes, else the fallback; without either a problem and an empty text. */
  const checked = (
    name: string,
    test: (value: string) => boolean,
    expected: string,
    fallback: string | null,
  ): string => {
    const value = get(name, expected, fallback);
    if (value !== null && test(value)) return value;
    if (value !== null) problem(name, shown(value), expected);
    else if (fallback === null) problem(name, "nothing", expected);
    return fallback ?? "";
  };
  const throwProblems = (without: readonly string[] = []) => {
    const left = [...problems].filter((line) => !without.some((name) => line.startsWith(`${name}: `)));
    if (left.length > 0) throw new ConfigProblems(left);
  };
  return {
    text: (name, pattern, expected, fallback) =>
      checked(name, (value) => pattern.test(value), expected, fallback ?? null),
    optional: (name, pattern, expected) =>
      checked(name, (value) => pattern.test(value), expected, "") || null,
    secret: (name, expected) => checked(name, () => true, expected, null),
    integer(name, least, most, fallback) {
      const fits = (value: string) => isWithin(value, least, most);
      const expected = `a whole number from ${least} to ${most}`;
      return Number(checked(name, fits, expected, fallback === null ? null : String(fallback)));
    },
    oneOf: <Value extends string>(name: string, values: readonly Value[], fallback: Value) =>
      checked(name, isOneOf(values), `one of ${values.join(", ")}`, fallback) as Value,
    path: (name, expected) => checked(name, (value) => PATH.test(value), expected, "") || null,
    url(name, protocols, fallback) {
      const fits = (value: string) => URL.canParse(value) && protocols.includes(new URL(value).protocol);
      const expected = `a URL that begins with ${protocols.join("// or ")}//`;
      return checked(name, fits, expected, fallback).replace(/\/+$/, "");
    },
    variables: () => [...known.values()],
    ignore: (name) => void get(name, "", ""),
    problem,
    throwProblems: () => throwProblems(),
    finish(without = []) {
      for (const name of Object.keys(env).sort()) {
        if (env[name] !== undefined && name.startsWith("OFFSHOOT_") && !known.has(name)) {
          problem(name, "a value", "no such variable; is it misspelt? The README lists them all");
        }
      }
      throwProblems(without);
    },
  };
}

function isWithin(value: string, least: number, most: number): boolean {
  return /^\d{1,16}$/.test(value) && Number(value) >= least && Number(value) <= most;
}

function isOneOf(values: readonly string[]): (value: string) => boolean {
  return (value) => values.includes(value);
}

/** A key that was pasted into the wrong variable must not be printed either. */
function shown(value: string): string {
  return value.includes("-----BEGIN") ? `a PEM text of ${value.length} characters` : JSON.stringify(value);
}
