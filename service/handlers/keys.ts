import { actorOf, type Caller, type Labels, SCOPES, type Scope } from "../domain/caller.ts";
import { makeCredential, SECRET_BYTES } from "../domain/credential.ts";
import { Refused } from "../domain/errors.ts";
import { LABEL_NAME_PATTERN, LABEL_VALUE_PATTERN, LABELS_MAX } from "../domain/limits.ts";
import { newId } from "./context.ts";
import type { ApiContext } from "./ports-api.ts";
import type { KeyRow } from "./ports-credentials.ts";
import type { EventRow } from "./ports-store.ts";

/** What keys, sessions and their verification use of the context. */
export type CredentialContext = Pick<ApiContext, "store" | "clock" | "chance" | "secrets" | "log">;

/** Keys of one installation: each belongs to a program or a person that somebody knows by name. */
export const KEYS_MAX = 1_000;
/** A name is for people: printable, without line breaks, short enough for one line of a table. */
const NAME = /^[\p{L}\p{N}\p{P}\p{S}][\p{L}\p{N}\p{P}\p{S} ]{0,79}$/u;

export interface NewKey {
  readonly name: string;
  readonly scopes: readonly string[];
  readonly selector: Labels | null;
  readonly expiresAt: Date | null;
}
/** A key without its digest. */
export type KeyView = Omit<KeyRow, "digest">;

/** Makes a key. `credential` is shown once: the store has a digest only. Throws Refused `invalid_request`. */
export async function createKey(
  context: CredentialContext,
  wanted: NewKey,
  actor: string,
): Promise<{ readonly key: KeyView; readonly credential: string }> {
  const now = context.clock.now();
  checkKey(wanted, now);
  const id = newId(context, "key");
  const credential = makeCredential("key", id, context.chance.bytes(SECRET_BYTES));
  const scopes = SCOPES.filter((scope) => wanted.scopes.includes(scope));
  const key = { ...wanted, id, scopes, createdAt: now, revokedAt: null, usedAt: null };
  const event = eventOf(context, id, "key_created", actor, `${wanted.name}: ${scopes.join(", ")}`);
  await context.store.transaction(async (tx) => {
    await tx.addKey({ ...key, digest: context.secrets.digest(credential) });
    await tx.addEvent(event);
  });
  return { key, credential };
}

/** All keys, the newest first: also the revoked and expired ones, because they say who could do what. */
export async function listKeys(context: CredentialContext): Promise<readonly KeyView[]> {
  const rows = await context.store.apiKeys(KEYS_MAX);
  return rows.map(({ digest: _, ...key }) => key);
}

/** Ends a key at once. Idempotent. Throws Refused `not_found`. */
export async function revokeKey(context: CredentialContext, id: string, actor: string): Promise<KeyView> {
  const now = context.clock.now();
  const event = eventOf(context, id, "key_revoked", actor, null);
  const key = await context.store.transaction(async (tx) => {
    const before = await tx.apiKey(id);
    if (!before) return null;
    if (before.revokedAt === null) {
      await tx.revokeKey(id, now);
      await tx.addEvent({ ...event, detail: before.name });
    }
    const { digest: _, ...view } = before;
    return { ...view, revokedAt: before.revokedAt ?? now };
  });
  if (!key) throw new Refused("not_found", `There is no key ${id}. List the keys to see their ids.`);
  return key;
}

/** History of keys and sessions stands under their own id, so that every write has an event with its actor. */
export function eventOf(
  context: Pick<CredentialContext, "clock" | "chance">,
  subject: string,
  kind: string,
  actor: string | Caller,
  detail: string | null,
): EventRow {
  return {
    environmentId: subject,
    id: newId(context, "evt"),
    at: context.clock.now(),
    kind,
    actor: typeof actor === "string" ? actor : actorOf(actor),
    detail,
  };
}

function checkKey({ name, scopes, selector, expiresAt }: NewKey, now: Date): void {
  const refuse = (message: string) => new Refused("invalid_request", message);
  if (!NAME.test(name)) throw refuse("The key needs a name of 1 to 80 printable characters.");
  const unknown = scopes.filter((scope) => !SCOPES.includes(scope as Scope));
  if (scopes.length === 0 || unknown.length > 0) {
    throw refuse(`The key needs scopes out of ${SCOPES.join(", ")}; given ${scopes.join(", ") || "none"}.`);
  }
  const labels = Object.entries(selector ?? {});
  const [namePattern, valuePattern] = [new RegExp(LABEL_NAME_PATTERN), new RegExp(LABEL_VALUE_PATTERN)];
  const isLabel = ([label, value]: [string, string]) => namePattern.test(label) && valuePattern.test(value);
  if (labels.length > LABELS_MAX || !labels.every(isLabel)) {
    throw refuse(`The selector must be at most ${LABELS_MAX} labels of the form name=value.`);
  }
  if (selector && labels.length === 0) throw refuse("A selector needs a label, or must be left out.");
  if (expiresAt && !(expiresAt > now)) throw refuse("The key's end must lie in the future.");
}
