const FNV_OFFSET = 0xcbf29ce484222325n;
const FNV_PRIME = 0x100000001b3n;
const DIGEST_BITS = 64;

/**
 * A short, stable digest (FNV-1a, 64 bits, 16 hexadecimal digits) to tell two texts of ours apart. Not for secrets or
 * against an adversary: the worst that a collision does is one edit that is not made.
 */
export function textDigest(text: string): string {
  let digest = FNV_OFFSET;
  for (let index = 0; index < text.length; index += 1) {
    digest = BigInt.asUintN(DIGEST_BITS, (digest ^ BigInt(text.charCodeAt(index))) * FNV_PRIME);
  }
  return digest.toString(16).padStart(DIGEST_BITS / 4, "0");
}
