import { timingSafeEqual } from "node:crypto";

/** Compares two secrets in a time that tells nothing about them but their length. */
export function equal(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** A string in SQL, right under both values of standard_conforming_strings. */
export function literal(text: string): string {
  return `E'${text.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;
}
