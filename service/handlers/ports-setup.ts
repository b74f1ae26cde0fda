/** What set-up needs of the outside: where secrets are kept, and the GitHub that makes Apps. */
import type { AppGrants } from "../domain/app-permissions.ts";
import type { MadeApp, Pairs } from "../domain/setup.ts";

/** The place of the installation's secrets: one secret at AWS, or one file. */
export interface SecretBook {
  /** Everything in it, with the version that `replace` compares. An empty book has no pairs. Throws Refused or Retryable. */
  read(): Promise<{ readonly pairs: Pairs; readonly version: string }>;
  /**
   * Replaces everything, if nobody has since the version that was read. Throws Refused `secrets_changed` if somebody has,
   * Refused `secrets_refused` if it cannot be written, and Retryable `secrets_unavailable`.
   */
  replace(pairs: Pairs, version: string): Promise<void>;
}

/** HMAC-SHA256 of a text, in hexadecimal digits: only who has the key makes it. */
export interface Seals {
  seal(key: string, text: string): string;
}

/** What speaks for an App. */
export interface AppKey {
  readonly appId: number;
  readonly privateKey: string;
}

/** One webhook that GitHub sent, or tried to. */
export interface SentDelivery {
  /** Digits, more than a number holds. */
  readonly id: string;
  readonly event: string;
  readonly redelivery: boolean;
  /** `OK`, or what went wrong. */
  readonly status: string;
  readonly statusCode: number;
}

/** Apps on GitHub. Throws Refused or Retryable. */
export interface Apps {
  /** The App of a temporary code, shown this one time; null if the code is unknown, used or older than an hour. */
  convert(code: string): Promise<MadeApp | null>;
  /** The newest first, as many as a page has. */
  deliveries(app: AppKey): Promise<readonly SentDelivery[]>;
  redeliver(app: AppKey, deliveryId: string): Promise<void>;
  /** What the App and its installations were granted, and GitHub's own time; null if GitHub knows no such App. */
  grants(app: AppKey): Promise<(AppGrants & { readonly date: Date | null }) | null>;
}
