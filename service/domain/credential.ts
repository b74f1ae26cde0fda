/**
 * The texts by which callers prove themselves: `ofk_<id>_<secret>` for a key, `ofs_<id>_<secret>` for a session. The id
 * finds the row; the row holds a digest of the whole text, so that the store knows no credential.
 */
const KINDS = { key: { prefix: "ofk", id: "key_" }, session: { prefix: "ofs", id: "ses_" } } as const;
export type CredentialKind = keyof typeof KINDS;

/** Random bytes of a secret: it cannot be guessed, so a plain SHA-256 of it is as good as a slow hash. */
export const SECRET_BYTES = 32;
const CREDENTIAL = /^(ofk|ofs)_([0-9a-z]{22})_[\w-]{43}$/;

/** The text that is shown once. `id` is that of the row, such as key_…; `random` holds SECRET_BYTES bytes. */
export function makeCredential(kind: CredentialKind, id: string, random: Uint8Array): string {
  const { prefix, id: idPrefix } = KINDS[kind];
  const secret = Buffer.from(random.subarray(0, SECRET_BYTES)).toString("base64url");
  return `${prefix}_${id.slice(idPrefix.length)}_${secret}`;
}

/** Which row a text points at; null if it has not the form of a credential. Says nothing about its truth. */
export function parseCredential(text: string): { readonly kind: CredentialKind; readonly id: string } | null {
  const [, prefix, id] = CREDENTIAL.exec(text) ?? [];
  if (!prefix || !id) return null;
  const kind = prefix === KINDS.key.prefix ? "key" : "session";
  return { kind, id: `${KINDS[kind].id}${id}` };
}
