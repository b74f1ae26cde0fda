import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { Secrets } from "../handlers/ports-credentials.ts";
import type { Seals } from "../handlers/ports-setup.ts";

/** Digests of credentials, and seals, by node:crypto. */
export const secrets: Secrets & Seals = {
  digest: (text) => createHash("sha256").update(text).digest("hex"),
  seal: (key, text) => createHmac("sha256", key).update(text).digest("hex"),
  same(one, other) {
    const [left, right] = [Buffer.from(one), Buffer.from(other)];
    return left.length === right.length && timingSafeEqual(left, right);
  },
};
