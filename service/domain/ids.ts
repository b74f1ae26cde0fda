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

/** The id that follows another in their order, of the same millisecond as long as there is one. */
export function idAfter(id: string): string {
  const last = ALPHABET.length - 1;
  let at = id.length - 1;
  while (at > 0 && ALPHABET.indexOf(id.charAt(at)) === last) at -= 1;
  const next = ALPHABET.charAt(ALPHABET.indexOf(id.charAt(at)) + 1);
  return id.slice(0, at) + next + ALPHABET.charAt(0).repeat(id.length - 1 - at);
}
