import { createAwsCall } from "../adapters/aws-json.ts";
import { createCredentials } from "../adapters/dsql-credentials.ts";
import { pairsOfText } from "../adapters/secret-pairs.ts";
import { type Config, readConfig } from "../config.ts";
import type { Environment } from "../config-shape.ts";
import { Refused } from "../domain/errors.ts";

/**
 * The variables of a function together with those in its secret (OFFSHOOT_SECRETS_ARN), read by the one call that needs.
 * What stands in a variable is not overwritten. Throws Refused or Retryable if the secret cannot be read.
 */
export async function readEnvironment(env: Environment): Promise<Environment> {
  const arn = env["OFFSHOOT_SECRETS_ARN"];
  const region = env["AWS_REGION"];
  if (!arn || !region) return env;
  const call = createAwsCall({
    ...{ service: "secretsmanager", region, credentials: createCredentials(), version: "1.1" },
    target: "secretsmanager",
    endpoint: env["OFFSHOOT_SECRETS_ENDPOINT"] ?? `https://secretsmanager.${region}.amazonaws.com`,
  });
  const { SecretString: text } = await call("GetSecretValue", { SecretId: arn });
  if (typeof text !== "string") {
    throw new Refused("secrets_refused", "The secret of OFFSHOOT_SECRETS_ARN holds no text.");
  }
  return { ...pairsOfText(text, "The secret of OFFSHOOT_SECRETS_ARN"), ...env };
}

/** Throws what `readEnvironment` throws, and ConfigProblems. */
export async function readFunctionConfig(env: Environment): Promise<Config> {
  return readConfig(await readEnvironment(env));
}
