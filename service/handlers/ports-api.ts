/** What the API's handlers need from the outside, besides what all handlers do. */
import type { Caller, JobPlace } from "../domain/caller.ts";
import type { BaseContext } from "./context.ts";
import type { Secrets } from "./ports-credentials.ts";
import type { StoreTransaction } from "./ports-store.ts";

/** What a GitHub Actions OIDC token said, after its signature, issuer, audience and times were checked. */
export interface JobClaims {
  readonly issuer: string;
  readonly jti: string;
  readonly expiresAt: Date;
  readonly eventName: string;
  /** The full git ref, such as refs/pull/42/merge. */
  readonly ref: string;
  readonly headRef: string;
  readonly baseRef: string;
  readonly repository: string;
  readonly repositoryId: number;
  readonly repositoryOwnerId: number;
  readonly runId: string;
  readonly runAttempt: string;
}

/** Verifies GitHub Actions OIDC tokens. Throws Refused (`oidc_…`) or Retryable (`oidc_unavailable`). */
export interface JobTokens {
  verify(token: string): Promise<JobClaims>;
}

export interface DeviceLogin {
  readonly deviceCode: string;
  readonly userCode: string;
  readonly verificationUri: string;
  readonly intervalSeconds: number;
  readonly expiresAt: Date;
}

/** The App's device flow: GitHub's token is used once, to ask who it is, and forgotten. */
export interface SignIn {
  begin(): Promise<DeviceLogin>;
  /** Throws Refused (`login_denied`, `login_expired`) or Retryable. */
  poll(
    deviceCode: string,
  ): Promise<
    | { readonly kind: "pending"; readonly intervalSeconds: number }
    | { readonly kind: "signed_in"; readonly host: string; readonly login: string }
  >;
}

/** Signs connection tokens with a signing role, narrowed to one cluster. Throws Retryable or Refused. */
export interface TokenSigner {
  sign(request: {
    /** Whose cluster it is: previews and customers have a signing role each. */
    readonly kind: "preview" | "tenant";
    readonly arn: string;
    readonly endpoint: string;
    /** `admin` signs DbConnectAdmin, any other user DbConnect. */
    readonly user: string;
    readonly seconds: number;
  }): Promise<{ readonly token: string; readonly expiresAt: Date }>;
}

/** Everything that a handler of the API may use. */
export interface ApiContext extends BaseContext {
  /** Null while no signing role is configured. */
  readonly signer: TokenSigner | null;
  readonly jobTokens: JobTokens | null;
  readonly signIn: SignIn | null;
  /** The address under which people reach this service; also the audience of OIDC tokens. */
  readonly publicUrl: string;
  /** The GitHub host that jobs and people come from, such as github.com. */
  readonly host: string;
  readonly secrets: Secrets;
}

export type { Caller, JobPlace, StoreTransaction };
