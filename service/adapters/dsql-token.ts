import { AssumeRoleCommand, STSClient, STSServiceException } from "@aws-sdk/client-sts";
import { DsqlSigner } from "@aws-sdk/dsql-signer";
import { ADMIN_ROLE } from "../domain/access.ts";
import { Refused, Retryable } from "../domain/errors.ts";
import type { Log } from "../handlers/ports.ts";
import type { TokenSigner } from "../handlers/ports-api.ts";
import { isCredentialsError } from "./aws-credentials-error.ts";
import type { Credentials } from "./dsql-credentials.ts";
import { unknownOf } from "./dsql-failure.ts";
import { isEndpoint } from "./dsql-shape.ts";

/** Nothing that stands for more than one cluster may get into the policy that narrows a session. */
const CLUSTER_ARN = /^arn:aws[a-z-]*:dsql:[a-z0-9-]+:\d{12}:cluster\/([a-z0-9]{26})$/;
/** AssumeRole gives no shorter session, and no longer one to a caller that is a session itself (role chaining). */
const SESSION_SECONDS_MIN = 900;
const SESSION_SECONDS_MAX = 3_600;
/** The token dies with the session, which is a moment older. */
const SESSION_MARGIN_SECONDS = 60;
/** Somebody waits for it; STS answers within tenths of a second. */
const SIGN_TIMEOUT_MS = 10_000;
/** No wakeup repeats what a request asked for, so the SDK does, within the same time. */
const ATTEMPTS = 3;
/** Of the answers with 400 and 403, the ones that time mends (STS, common errors), besides those about credentials. */
const PASSES = /Throttl|LimitExceeded/;

export interface TokenSignerOptions {
  readonly region: string;
  /** Of the service, which may assume the signing role. */
  readonly credentials: Credentials;
  /** Has dsql:DbConnect and dsql:DbConnectAdmin on the clusters, and no other use. */
  readonly roleArn: string;
  /** Another address of STS, such as the local one. */
  readonly endpoint?: string;
  /** For one token as a whole. */
  readonly callTimeoutMs?: number;
  /** Told why STS gave no session: whoever asked for a token is told less. */
  readonly log?: Log;
}

type Sign = TokenSigner["sign"];
type Request = Omit<Parameters<Sign>[0], "kind">;

/**
 * TokenSigner for one signing role on the AWS SDK, with one STS client for the life of the process; `close` drops its
 * connections. Every token is signed by a session of its own, whose policy lets it do nothing but connect to that one
 * cluster in that one way, and lasts until the earlier end of both. Nothing is kept. A token of DbConnect fits every
 * database role that is mapped to the signing role in that cluster, so that must be the reader's alone (config-access.ts
 * sees to it).
 * Throws Refused `token_role_denied`, Retryable `token_unavailable`.
 */
export function createTokenSigner(options: TokenSignerOptions): {
  sign(request: Request): ReturnType<Sign>;
  close(): void;
} {
  const { region, credentials, endpoint } = options;
  const client = new STSClient({
    ...{ region, credentials, maxAttempts: ATTEMPTS },
    ...(endpoint ? { endpoint } : {}),
  });
  return {
    sign: (request) => sign(client, options, request),
    close: () => client.destroy(),
  };
}

async function sign(client: STSClient, options: TokenSignerOptions, request: Request) {
  const { endpoint, user, seconds } = request;
  const isAdmin = user === ADMIN_ROLE;
  const session = await assume(client, options, request, isAdmin ? "dsql:DbConnectAdmin" : "dsql:DbConnect");
  // The signer dates the token itself, at this time or later, so it never ends before this says.
  const now = Date.now();
  const expiresIn = Math.min(seconds, Math.floor((session.expiration.getTime() - now) / 1_000));
  if (expiresIn < 1) throw unavailable("the session had ended when it arrived; compare the clocks");
  const signer = new DsqlSigner({
    ...{ hostname: endpoint, region: options.region, expiresIn },
    credentials: session,
  });
  const token = await (isAdmin ? signer.getDbConnectAdminAuthToken() : signer.getDbConnectAuthToken());
  return { token, expiresAt: new Date(now + expiresIn * 1_000) };
}

async function assume(client: STSClient, options: TokenSignerOptions, request: Request, action: string) {
  const { arn, seconds } = request;
  const wanted = Math.max(SESSION_SECONDS_MIN, seconds + SESSION_MARGIN_SECONDS);
  const command = new AssumeRoleCommand({
    RoleArn: options.roleArn,
    RoleSessionName: `offshoot-${identifierOf(request)}`,
    DurationSeconds: Math.min(wanted, SESSION_SECONDS_MAX),
    Policy: JSON.stringify({
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Action: action, Resource: arn }],
    }),
  });
  const abortSignal = AbortSignal.timeout(options.callTimeoutMs ?? SIGN_TIMEOUT_MS);
  const { Credentials: given } = await client.send(command, { abortSignal }).catch((error: unknown) => {
    const failure = asFailure(error);
    options.log?.warn({ reason: failure.reason, cause: unknownOf(error).cause }, "STS gave no session");
    throw failure;
  });
  const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = given ?? {};
  if (!AccessKeyId || !SecretAccessKey || !SessionToken || !Expiration) {
    throw unavailable("STS answered without credentials");
  }
  return {
    ...{ accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken },
    expiration: Expiration,
  };
}

/** The cluster that ARN and host name agree on. */
function identifierOf({ arn, endpoint }: Request): string {
  const identifier = CLUSTER_ARN.exec(arn)?.[1];
  if (identifier !== undefined && isEndpoint(endpoint) && endpoint.startsWith(`${identifier}.`)) {
    return identifier;
  }
  const what = `${arn.slice(0, 100)} is not the ARN of the cluster ${endpoint.slice(0, 100)}`;
  throw new Refused("bad_endpoint", `${what}; no token is signed for it.`);
}

/** What STS says of the service's own rights names roles and is no caller's business: it goes with the cause. */
function asFailure(error: unknown): Refused | Retryable {
  const status = error instanceof STSServiceException ? error.$metadata.httpStatusCode : undefined;
  const name = error instanceof Error ? error.name : "";
  if ((status !== 400 && status !== 403) || PASSES.test(name) || isCredentialsError(name)) {
    const { cause, retryAfterMs } = unknownOf(error);
    return unavailable(cause, { afterMs: retryAfterMs, cause: error });
  }
  const next =
    "The operator allows the service's role sts:AssumeRole on OFFSHOOT_TOKEN_ROLE_ARN, and names it in that role's trust policy.";
  const message = `The role that signs tokens cannot be assumed (${name}). ${next}`;
  return new Refused("token_role_denied", message, { cause: error });
}

function unavailable(why: string, options?: ConstructorParameters<typeof Retryable>[2]): Retryable {
  return new Retryable("token_unavailable", `No token could be signed: ${why}`, options);
}
