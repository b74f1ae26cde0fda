import type { Caller } from "../domain/caller.ts";
import { parseCredential } from "../domain/credential.ts";
import { Refused } from "../domain/errors.ts";
import { KEY_USED_MS } from "../domain/limits.ts";
import type { CredentialContext } from "./keys.ts";
import type { KeyRow, SessionRow } from "./ports-credentials.ts";

/** Who holds a credential. Throws Refused `credential_invalid`, `credential_expired` or `credential_revoked`. */
export type Authenticate = (credential: string) => Promise<Caller>;

/** What an unknown id is compared with, so that it costs what a known one does. */
const NO_DIGEST = "0".repeat(64);

/** Verifies credentials against the store. The last use of a key is noted beside the request, never before its answer. */
export function createAuthenticate(context: CredentialContext): Authenticate {
  /** Keys whose use is being written: one write at a time is enough. */
  const noting = new Set<string>();
  return async (credential) => {
    const { store, clock, secrets } = context;
    const parsed = parseCredential(credential);
    if (!parsed) throw invalid();
    const isKey = parsed.kind === "key";
    const row = isKey ? await store.apiKey(parsed.id) : await store.session(parsed.id);
    const isTrue = secrets.same(secrets.digest(credential), row?.digest ?? NO_DIGEST);
    if (!row || !isTrue) throw invalid();
    if ("revokedAt" in row && row.revokedAt) {
      throw new Refused("credential_revoked", "This key was revoked. Ask the operator for a new one.");
    }
    if (row.expiresAt && row.expiresAt <= clock.now()) {
      throw new Refused(
        "credential_expired",
        "This credential has expired. Sign in again, or take a new key.",
      );
    }
    if (!("name" in row)) return sessionCaller(row);
    noteUse(context, noting, row);
    return keyCaller(row);
  };
}

function noteUse(context: CredentialContext, noting: Set<string>, key: KeyRow): void {
  const { store, clock, log } = context;
  const now = clock.now();
  const since = new Date(now.getTime() - KEY_USED_MS);
  if (noting.has(key.id) || (key.usedAt && key.usedAt > since)) return;
  noting.add(key.id);
  store
    .transaction((tx) => tx.markKeyUsed(key.id, now, since))
    .catch((error: unknown) => log.warn({ key: key.id, cause: String(error) }, "use of a key not noted"))
    .finally(() => noting.delete(key.id));
}

function keyCaller({ id, name, scopes, selector, expiresAt }: KeyRow): Caller {
  return { kind: "key", id, name, scopes, selector, expiresAt };
}

function sessionCaller({ id, subject, expiresAt }: SessionRow): Caller {
  return { id, ...subject, expiresAt };
}

function invalid(): Refused {
  const advice = "Check that it is whole, and of this service.";
  return new Refused("credential_invalid", `The credential is not one that this service made. ${advice}`);
}
