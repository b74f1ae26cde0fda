/**
 * Times and durations as people read them. Only absolute UTC: a comment that is not edited must stay true.
 */

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** 14:02:06 UTC */
export function clockText(at: Date): string {
  return `${at.toISOString().slice(11, 19)} UTC`;
}

/** 17 Nov */
export function dayText(at: Date): string {
  return `${at.getUTCDate()} ${MONTHS[at.getUTCMonth()]}`;
}

/** 24 Nov 16:20 UTC */
export function dayClockText(at: Date): string {
  return `${dayText(at)} ${at.toISOString().slice(11, 16)} UTC`;
}

/** 8.2 s, 41 s, 2 min 5 s, 3 h 20 min, 1 d 2 h: two units at most. */
export function durationText(ms: number): string {
  const whole = Math.max(0, ms);
  if (whole < 100) return "under 0.1 s";
  if (whole < 9_950) return `${(whole / SECOND_MS).toFixed(1)} s`;
  const rounded = Math.round(whole / SECOND_MS) * SECOND_MS;
  if (rounded < MINUTE_MS) return `${rounded / SECOND_MS} s`;
  if (rounded < HOUR_MS) return twoUnits(rounded, [MINUTE_MS, "min"], [SECOND_MS, "s"]);
  if (rounded < DAY_MS) return twoUnits(rounded, [HOUR_MS, "h"], [MINUTE_MS, "min"]);
  return twoUnits(rounded, [DAY_MS, "d"], [HOUR_MS, "h"]);
}

/** 1st, 2nd, 3rd, 4th, 11th */
export function ordinalText(number: number): string {
  const isTeen = Math.floor(number / 10) % 10 === 1;
  return `${number}${(isTeen ? undefined : ["th", "st", "nd", "rd"][number % 10]) ?? "th"}`;
}

/** 1 statement, 1,204 statements */
export function countText(count: number, noun: string): string {
  return `${count.toLocaleString("en-US")} ${noun}${count === 1 ? "" : "s"}`;
}

type Unit = readonly [ms: number, name: string];

function twoUnits(ms: number, large: Unit, small: Unit): string {
  const first = Math.floor(ms / large[0]);
  const second = Math.floor((ms - first * large[0]) / small[0]);
  return second > 0 ? `${first} ${large[1]} ${second} ${small[1]}` : `${first} ${large[1]}`;
}
