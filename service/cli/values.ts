/** Values that people type, and what they mean. */
import { createInterface } from "node:readline/promises";
import { usage } from "./exit.ts";
import { type Io, shown } from "./terminal.ts";

const DURATION = /^(\d{1,5})\s*(m|h|d|w)$/;
const UNIT_MS = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 } as const;

/** `3d`, `12h`, or a time such as 2026-12-01T10:00Z: when it is over. */
export function endOf(text: string, now: Date): Date {
  const [, amount, unit] = DURATION.exec(text) ?? [];
  if (amount && unit) return new Date(now.getTime() + Number(amount) * UNIT_MS[unit as keyof typeof UNIT_MS]);
  const at = /^\d{4}-\d\d-\d\d/.test(text) ? new Date(text) : new Date(Number.NaN);
  if (!Number.isNaN(at.getTime())) return at;
  throw usage(`${shown(text)} is no time. Give a duration such as 12h or 3d, or 2026-12-01T10:00Z.`);
}

/** `until` of a body: absent if it is not told, null for `never`. */
export function untilOf(text: string | undefined): { until?: string | null } {
  if (text === undefined) return {};
  return { until: text === "never" ? null : endOf(text, new Date()).toISOString() };
}

/** `name=value` each. */
export function labelsOf(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf("=");
      if (at < 1) throw usage(`${shown(text)} is no label. Give name=value.`);
      return [text.slice(0, at), text.slice(at + 1)];
    }),
  );
}

/** Asks a person to repeat `expected`, which `--confirm` does for a program. Throws Exit if it is not repeated. */
export async function confirmed(
  io: Io,
  { what, expected, given }: { what: string; expected: string; given: string | undefined },
): Promise<void> {
  let answer = given;
  if (answer === undefined && io.stdin.isTTY) {
    const lines = createInterface({ input: io.stdin, output: io.stderr });
    answer = await lines.question(`${what} Type ${shown(expected)} to confirm: `);
    lines.close();
  }
  if (answer === undefined) throw usage(`${what} Repeat it: --confirm '${shown(expected)}'.`);
  if (answer.trim() !== expected)
    throw usage(`Not confirmed: ${shown(expected)} was expected. Nothing was done.`);
}

/** All of standard input, for secrets and files that must not stand on a command line. */
export async function readAll(io: Io, bytesMax: number): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of io.stdin) {
    const chunk = Buffer.from(part as Buffer | string);
    bytes += chunk.length;
    if (bytes > bytesMax) throw usage(`Standard input is longer than ${bytesMax} bytes.`);
    parts.push(chunk);
  }
  return Buffer.concat(parts).toString("utf8");
}
