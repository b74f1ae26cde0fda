import { createHash, timingSafeEqual } from "node:crypto";
import type { Secrets } from "../handlers/ports-credentials.ts";

/** Digests of credentials by node:crypto. */
export const secrets: Secrets = {
  digest: (text) => createHash("sha256").update(text).digest("hex"),
  same(one, other) {
    const [left, right] = [Buffer.from(one), Buffer.from(other)];
    return left.length === right.length && timingSafeEqual(left, right);
  },
};
