/** Longer than any wait that makes sense in a local process, and within what a timer can do. */
export const MAX_DELAY_MS = 24 * 60 * 60_000;

/** Reads a flag of the command line that is a number. Throws for anything but a whole number from `least` to `most`. */
export function readNumber(name: string, text: string, most: number, least = 0): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= least && value <= most))
    throw new Error(`--${name} ${text}: expected a whole number from ${least} to ${most}`);
  return value;
}
