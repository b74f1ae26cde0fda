import { type Config, readConfig } from "../config.ts";
import { withSecrets } from "../setup.ts";

/** What a function reads: its variables with those of its secret. Throws Refused, Retryable or ConfigProblems. */
export async function readFunctionConfig(): Promise<Config> {
  return readConfig(await withSecrets(process.env));
}
