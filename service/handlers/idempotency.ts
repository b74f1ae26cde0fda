import { callerKey } from "../domain/caller.ts";
import { Refused } from "../domain/errors.ts";
import { IDEMPOTENCY_HOURS } from "../domain/limits.ts";
import type { Answer, Write } from "./api-types.ts";
import type { CredentialReads, CredentialWrites } from "./ports-credentials.ts";

const HOUR_MS = 3_600_000;

/**
 * Does a write once for its Idempotency-Key, inside the caller's transaction: the effect and the memory of its answer
 * become durable together or not at all. A repeat within IDEMPOTENCY_HOURS gets the same status and body; the same key
 * with another request is Refused `idempotency_key_reused`. Of two at once one conflicts, is repeated by the store, and
 * finds the other's answer. Without a key it is just the work. Never use it for answers that hold a token.
 */
export async function once<Body>(
  tx: Pick<CredentialReads, "answer"> & Pick<CredentialWrites, "putAnswer">,
  { caller, repeat }: Write,
  now: Date,
  work: () => Promise<{ readonly status: number; readonly body: Body }>,
): Promise<Answer<Body>> {
  if (repeat === null) return { ...(await work()), replayed: false };
  const name = callerKey(caller);
  const known = await tx.answer(name, repeat.key, new Date(now.getTime() - IDEMPOTENCY_HOURS * HOUR_MS));
  if (known && known.digest !== repeat.digest) {
    throw new Refused(
      "idempotency_key_reused",
      "This Idempotency-Key came with another request before. Take a new key for a new request.",
    );
  }
  // Times are texts in a remembered body; JSON makes the same of both.
  if (known) return { status: known.status, body: JSON.parse(known.body) as Body, replayed: true };
  const { status, body } = await work();
  await tx.putAnswer(name, repeat.key, { digest: repeat.digest, status, body: JSON.stringify(body) }, now);
  return { status, body, replayed: false };
}
