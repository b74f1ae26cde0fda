import { createHash } from "node:crypto";
import { createRandom, type Random } from "./random.ts";

/** Where a life plays: its clock, its dice, its faults and its record. */
export interface Stage {
  readonly random: Random;
  now(): Date;
  /** Time never goes back. */
  advanceTo(ms: number): void;
  /** Draws a fault; none happens once the faults are off. */
  fault(probability: number): boolean;
  faultsOff(): void;
  quiet(): boolean;
  say(line: string): void;
  /** Ends the life at its next step, whoever catches the error. */
  fail(broken: Broken): Broken;
  readonly broken: Broken | null;
  readonly lines: number;
  hash(): string;
}

const BEGIN_MS = Date.UTC(2026, 10, 23);

/** `print` gets every line with its time in simulated seconds. */
export function createStage(seed: number, print: ((line: string) => void) | null): Stage {
  const random = createRandom(seed);
  const digest = createHash("sha256");
  let ms = BEGIN_MS;
  let quiet = false;
  let lines = 0;
  let broken: Broken | null = null;
  return {
    random,
    now: () => new Date(ms),
    advanceTo(to) {
      ms = Math.max(ms, to);
    },
    fault: (probability) => random.happens(probability) && !quiet,
    faultsOff() {
      quiet = true;
    },
    quiet: () => quiet,
    say(line) {
      lines += 1;
      const stamped = `${((ms - BEGIN_MS) / 1000).toFixed(3)} ${line}\n`;
      digest.update(stamped);
      print?.(stamped);
    },
    fail(found) {
      broken ??= found;
      return found;
    },
    get broken() {
      return broken;
    },
    get lines() {
      return lines;
    },
    hash: () => digest.copy().digest("hex").slice(0, 16),
  };
}

/** A promise of design.md section 1 was broken. */
export class Broken extends Error {
  readonly invariant: string;
  constructor(invariant: string, detail: string) {
    super(`${invariant}: ${detail}`);
    this.name = "Broken";
    this.invariant = invariant;
  }
}
