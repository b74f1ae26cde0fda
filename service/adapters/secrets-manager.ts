import { createHash } from "node:crypto";
import { Refused, Retryable } from "../domain/errors.ts";
import type { SecretBook } from "../handlers/ports-setup.ts";
import { createAwsCall } from "./aws-json.ts";
import type { Credentials } from "./dsql-credentials.ts";
import { pairsOfText } from "./secret-pairs.ts";

/** Of a secret that was created without a value. */
const NO_VERSION = "none";
const NEEDED = "secretsmanager:GetSecretValue and secretsmanager:PutSecretValue";

export interface SecretsManagerOptions {
  /** Of the one secret that is the book. */
  readonly arn: string;
  readonly region: string;
  readonly credentials: Credentials;
  /** Another address of Secrets Manager, such as the local one. */
  readonly endpoint?: string | undefined;
}

/**
 * Secrets in one secret of AWS Secrets Manager, as JSON. A version's id follows from that of the version before it, and
 * Secrets Manager takes a second text under an id that exists only if it is the same (PutSecretValue,
 * ClientRequestToken): so of two who replace the same version one is refused, and a repeated call does no harm.
 */
export function createSecretsManager(options: SecretsManagerOptions): SecretBook {
  const { arn, region, credentials, endpoint } = options;
  const call = createAwsCall({
    ...{ service: "secretsmanager", region, credentials, target: "secretsmanager", version: "1.1" },
    endpoint: endpoint ?? `https://secretsmanager.${region}.amazonaws.com`,
  });
  return {
    async read() {
      const found = await call("GetSecretValue", { SecretId: arn }).catch((error: unknown) => {
        if (isRefusal(error, /can't find the specified secret value/)) return null;
        throw asFailure(error, arn);
      });
      if (!found) return { pairs: {}, version: NO_VERSION };
      const { SecretString: text = "", VersionId: version = NO_VERSION } = found;
      return { pairs: pairsOfText(String(text), `The secret ${arn}`), version: String(version) };
    },
    async replace(pairs, version) {
      const put = { SecretId: arn, SecretString: JSON.stringify(pairs), ClientRequestToken: after(version) };
      await call("PutSecretValue", put).catch((error: unknown) => {
        if (!isRefusal(error, /ResourceExistsException/)) throw asFailure(error, arn);
        throw new Refused("secrets_changed", `Somebody else has changed the secret ${arn}. Start again.`);
      });
    },
  };
}

/** The id of the version that follows: 32 to 64 characters are allowed. */
function after(version: string): string {
  return createHash("sha256").update(`offshoot after ${version}`).digest("hex");
}

function isRefusal(error: unknown, pattern: RegExp): boolean {
  return error instanceof Refused && pattern.test(error.message);
}

function asFailure(error: unknown, arn: string): unknown {
  if (error instanceof Refused) {
    const advice = /AccessDenied/.test(error.message) ? ` Allow the service's role ${NEEDED}.` : "";
    return new Refused("secrets_refused", `Secrets Manager refuses ${arn}: ${error.message}${advice}`);
  }
  if (!(error instanceof Retryable)) return error;
  const message = `Secrets Manager did not answer for ${arn}: ${error.message}`;
  return new Retryable("secrets_unavailable", message);
}
