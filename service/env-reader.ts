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
  oneOf(name: string, values: readonly string[], fallback: string): string;
  /** A URL without a trailing slash. */
  url(name: string, protocols: readonly string[], fallback: string | null): string | null;
  /** Knows a variable whose value does not matter, because another one stands in for it. */
  ignore(name: string): void;
  problem(name: string, given: string, expected: string): void;
  /** Throws if there is a problem. */
  throwProblems(): void;
  /** Also calls a variable of ours that nobody reads a problem: it is most likely misspelt. */
  finish(): void;
}

/** How much of a wrong value is repeated. */
const SHOWN_CHARACTERS = 60;

export function createReader(env: Readonly<Record<string, string | undefined>>): Reader {
  const problems: string[] = [];
  const known = new Set<string>();
  const get = (name: string): string | null => {
    known.add(name);
    const value = env[name]?.trim();
    return value === undefined || value === "" ? null : value;
  };
  const problem = (name: string, given: string, expected: string) =>
    void problems.push(`${name}: given ${given.slice(0, SHOWN_CHARACTERS)}; expected ${expected}.`);
  const checked = (name: string, test: (value: string) => boolean, expected: string): string | null => {
    const value = get(name);
    if (value === null || test(value)) return value;
    problem(name, JSON.stringify(value), expected);
    return null;
  };
  const required = (name: string, expected: string): string => {
    const value = get(name);
    if (value === null) problem(name, "nothing", expected);
    return value ?? "";
  };
  const throwProblems = () => {
    if (problems.length > 0) throw new ConfigProblems(problems);
  };
  return {
    text(name, pattern, expected, fallback) {
      if (fallback === undefined && get(name) === null) return required(name, expected);
      return checked(name, (value) => pattern.test(value), expected) ?? fallback ?? "";
    },
    optional: (name, pattern, expected) => checked(name, (value) => pattern.test(value), expected),
    secret: required,
    integer(name, least, most, fallback) {
      const expected = `a whole number from ${least} to ${most}`;
      if (fallback === null && get(name) === null) return Number(required(name, expected));
      const fits = (value: string) =>
        /^\d{1,16}$/.test(value) && Number(value) >= least && Number(value) <= most;
      return Number(checked(name, fits, expected) ?? fallback ?? least);
    },
    oneOf: (name, values, fallback) =>
      checked(name, (value) => values.includes(value), `one of ${values.join(", ")}`) ?? fallback,
    url(name, protocols, fallback) {
      const fits = (value: string) => URL.canParse(value) && protocols.includes(new URL(value).protocol);
      const value = checked(name, fits, `a URL that begins with ${protocols.join(" or ")}//`) ?? fallback;
      return value?.replace(/\/+$/, "") ?? null;
    },
    ignore: (name) => void known.add(name),
    problem,
    throwProblems,
    finish() {
      for (const name of Object.keys(env).sort()) {
        if (env[name] !== undefined && name.startsWith("OFFSHOOT_") && !known.has(name)) {
          problem(name, "a value", "no such variable; is it misspelt? The README lists them all");
        }
      }
      throwProblems();
    },
  };
}
