import { createHash } from "node:crypto";
import {
  GetSecretValueCommand,
  PutSecretValueCommand,
  ResourceExistsException,
  ResourceNotFoundException,
  SecretsManagerClient,
} from "@aws-sdk/client-secrets-manager";
import { Refused, Retryable } from "../domain/errors.ts";
import { CALL_TIMEOUT_MS } from "../domain/limits.ts";
import type { SecretBook } from "../handlers/ports-setup.ts";
import type { Credentials } from "./dsql-credentials.ts";
import { unknownOf } from "./dsql-failure.ts";
import { pairsOfText } from "./secret-pairs.ts";

/** Of a secret that was created without a value. */
const NO_VERSION = "none";
/** Of the answers with 400, the ones that time mends. */
const PASSES = /Throttl|Expired|Internal/;

export interface SecretsManagerOptions {
  /** Of the one secret that is the book. */
  readonly arn: string;
  readonly region: string;
  readonly credentials: Credentials;
  /** Another address of Secrets Manager, such as the local one. */
  readonly endpoint?: string;
  readonly callTimeoutMs?: number;
}

/**
 * Secrets in one secret of AWS Secrets Manager, as JSON. A version's id follows from that of the version before it, and
 * Secrets Manager takes a second text under an id that exists only if it is the same (PutSecretValue,
 * ClientRequestToken): so of two who replace the same version one is refused, and a repeated call does no harm.
 */
export function createSecretsManager(options: SecretsManagerOptions): SecretBook & { close(): void } {
  const { arn, region, credentials, endpoint, callTimeoutMs = CALL_TIMEOUT_MS } = options;
  const client = new SecretsManagerClient({ region, credentials, ...(endpoint ? { endpoint } : {}) });
  const limit = () => ({ abortSignal: AbortSignal.timeout(callTimeoutMs) });
  return {
    async read() {
      try {
        const found = await client.send(new GetSecretValueCommand({ SecretId: arn }), limit());
        const pairs = pairsOfText(found.SecretString ?? "", `The secret ${arn}`);
        return { pairs, version: found.VersionId ?? NO_VERSION };
      } catch (error) {
        if (isEmpty(error)) return { pairs: {}, version: NO_VERSION };
        throw asFailure(error, arn);
      }
    },
    async replace(pairs, version) {
      const put = { SecretId: arn, SecretString: JSON.stringify(pairs), ClientRequestToken: after(version) };
      try {
        await client.send(new PutSecretValueCommand(put), limit());
      } catch (error) {
        if (!(error instanceof ResourceExistsException)) throw asFailure(error, arn);
        throw new Refused("secrets_changed", `Somebody else has changed the secret ${arn}. Start again.`);
      }
    },
    close: () => client.destroy(),
  };
}

/** The id of the version that follows: 32 to 64 characters are allowed. */
function after(version: string): string {
  return createHash("sha256").update(`offshoot after ${version}`).digest("hex");
}

/** A secret that exists without a value is told like one that does not exist, with other words. */
function isEmpty(error: unknown): boolean {
  return error instanceof ResourceNotFoundException && /staging label/i.test(error.message);
}

function asFailure(error: unknown, arn: string): unknown {
  if (error instanceof Refused) return error;
  const { cause, retryAfterMs } = unknownOf(error);
  const { name = "", $metadata } = Object(error);
  if ($metadata?.httpStatusCode === 400 && !PASSES.test(name)) {
    const needed = "secretsmanager:GetSecretValue and secretsmanager:PutSecretValue";
    const advice = name.startsWith("AccessDenied") ? ` Allow the service's role ${needed}.` : "";
    return new Refused("secrets_refused", `Secrets Manager refuses ${arn}: ${cause}${advice}`);
  }
  const message = `Secrets Manager did not answer for ${arn}: ${cause}`;
  return new Retryable("secrets_unavailable", message, { afterMs: retryAfterMs });
}
