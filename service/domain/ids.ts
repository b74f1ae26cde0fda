export type IdPrefix = "env" | "cl" | "evt" | "lease" | "tok" | "op" | "key" | "ses";

const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
const TIME_CHARACTERS = 10;
const RANDOM_CHARACTERS = 12;
/** Random bytes that makeId needs: one per random character. */
export const ID_RANDOM_BYTES = RANDOM_CHARACTERS;

/**
 * An opaque id, sortable by time: prefix, 10 characters of milliseconds, 12 random ones (60 bits).
 * Pure: the caller brings the time and at least ID_RANDOM_BYTES random bytes.
 */
export function makeId(prefix: IdPrefix, at: Date, random: Uint8Array): string {
  let ms = at.getTime();
  let time = "";
  for (let i = 0; i < TIME_CHARACTERS; i += 1) {
    time = ALPHABET.charAt(ms % 32) + time;
    ms = Math.floor(ms / 32);
  }
  let tail = "";
  for (let i = 0; i < RANDOM_CHARACTERS; i += 1) tail += ALPHABET.charAt((random[i] ?? 0) & 31);
  return `${prefix}_${time}${tail}`;
}
