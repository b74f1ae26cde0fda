import { createCredentials } from "../adapters/dsql-credentials.ts";
import { createSecretsManager } from "../adapters/secrets-manager.ts";
import { type Config, readConfig } from "../config.ts";
import type { Environment } from "../config-shape.ts";

/**
 * The variables of a function together with those in its secret (OFFSHOOT_SECRETS_ARN), read by the one call that needs.
 * What stands in a variable is not overwritten. Throws Refused or Retryable if the secret cannot be read.
 */
export async function readEnvironment(env: Environment): Promise<Environment> {
  const arn = env["OFFSHOOT_SECRETS_ARN"];
  const region = env["AWS_REGION"];
  if (!arn || !region) return env;
  const endpoint = env["OFFSHOOT_SECRETS_ENDPOINT"];
  const book = createSecretsManager({ arn, region, endpoint, credentials: createCredentials() });
  return { ...(await book.read()).pairs, ...env };
}

/** Throws what `readEnvironment` throws, and ConfigProblems. */
export async function readFunctionConfig(env: Environment): Promise<Config> {
  return readConfig(await readEnvironment(env));
}
