/** What keys, sessions and repeated requests need of the store and of cryptography. */
import type { JobPlace, Labels, Scope } from "../domain/caller.ts";

/** Digests and comparisons; adapters/secrets.ts has them of node:crypto. */
export interface Secrets {
  /** SHA-256 of a text, in hexadecimal digits. */
  digest(text: string): string;
  /** Whether two digests are equal, in constant time. */
  same(one: string, other: string): boolean;
}

export interface KeyRow {
  readonly id: string;
  readonly digest: string;
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly selector: Labels | null;
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  readonly revokedAt: Date | null;
  readonly usedAt: Date | null;
}

export type SessionSubject =
  | { readonly kind: "job"; readonly name: string; readonly place: JobPlace }
  | { readonly kind: "person"; readonly host: string; readonly login: string };

export interface SessionRow {
  readonly id: string;
  readonly digest: string;
  readonly subject: SessionSubject;
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

/** The answer to an Idempotency-Key; `body` is the JSON text that was sent. */
export interface AnswerRow {
  readonly digest: string;
  readonly status: number;
  readonly body: string;
}

export interface CredentialReads {
  apiKey(id: string): Promise<KeyRow | null>;
  /** The newest first, at most `limit`. */
  apiKeys(limit: number): Promise<readonly KeyRow[]>;
  session(id: string): Promise<SessionRow | null>;
  /** The answer that was remembered at or after `since`. */
  answer(caller: string, key: string, since: Date): Promise<AnswerRow | null>;
}

export interface CredentialWrites {
  addKey(row: KeyRow): Promise<void>;
  /** False if there is no such key. A key that is revoked already keeps its date. */
  revokeKey(id: string, at: Date): Promise<boolean>;
  /** Unless a use after `since` is known already. */
  markKeyUsed(id: string, at: Date, since: Date): Promise<void>;
  addSession(row: SessionRow): Promise<void>;
  /** False if the token was used before. */
  useOidcToken(issuer: string, jti: string, expiresAt: Date): Promise<boolean>;
  /** Replaces an answer that is too old to count. */
  putAnswer(caller: string, key: string, answer: AnswerRow, at: Date): Promise<void>;
  /** Deletes at most `limit` rows each: sessions and OIDC tokens that ended before `ended`, answers before `answered`. */
  forgetExpired(ended: Date, answered: Date, limit: number): Promise<number>;
}
