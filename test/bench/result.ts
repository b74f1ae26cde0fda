/** One line of the table: what was measured, and the target if it is judged. */
export interface Line {
  readonly name: string;
  readonly value: number;
  readonly unit: "x" | "/s" | "µs" | "ms" | "s" | "MB" | "";
  readonly target?: { readonly least: number } | { readonly most: number };
}

/** What one benchmark found. `notes` say how it was measured, as far as a reader must know to judge it. */
export interface Result {
  readonly benchmark: string;
  readonly lines: readonly Line[];
  readonly notes: readonly string[];
}

/** Where a benchmark keeps what it starts, and how it tells what it does meanwhile. */
export interface Bench {
  /** An empty directory, removed afterwards. */
  readonly directory: string;
  tell(text: string): void;
}

/** Whether the target is met; true if there is none. */
export function holds({ value, target }: Line): boolean {
  if (!target) return true;
  return "least" in target ? value >= target.least : value < target.most;
}

/** The table that a person reads. */
export function table(results: readonly Result[]): string {
  return results.map((result) => [result.benchmark, ...rows(result), ""].join("\n")).join("\n");
}

function rows({ lines, notes }: Result): readonly string[] {
  const width = Math.max(...lines.map((line) => line.name.length));
  const row = (line: Line) => {
    const { name, value, unit, target } = line;
    const judged = target ? `${targetText(target, unit)}  ${holds(line) ? "met" : "MISSED"}` : "";
    return `  ${name.padEnd(width)}  ${numberText(value, unit).padStart(12)}  ${judged}`.trimEnd();
  };
  return [...lines.map(row), ...notes.map((note) => `  · ${note}`)];
}

function targetText(target: NonNullable<Line["target"]>, unit: Line["unit"]): string {
  return "least" in target
    ? `at least ${numberText(target.least, unit)}`
    : `under ${numberText(target.most, unit)}`;
}

function numberText(value: number, unit: Line["unit"]): string {
  const digits = unit === "x" ? 3 : unit === "s" || unit === "MB" ? 1 : 0;
  return `${value.toFixed(digits)}${unit ? ` ${unit}` : ""}`;
}
