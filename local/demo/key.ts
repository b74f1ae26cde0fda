import { runToEnd } from "./process.ts";
import type { Stack } from "./stack.ts";

/** Makes an API key as an operator does. Out: the credential, which is shown once. */
export async function createKey(
  { serviceEnv }: Pick<Stack, "serviceEnv">,
  name: string,
  scopes: readonly string[],
): Promise<string> {
  const args = ["keys", "create", name, ...scopes.flatMap((scope) => ["--scope", scope]), "--json"];
  const made = await runToEnd({ script: "service/cli.ts", args, env: serviceEnv, logFile: "" });
  return (JSON.parse(made) as { credential: string }).credential;
}

/** A key with what a SaaS back end needs. */
export function createBackEndKey(stack: Pick<Stack, "serviceEnv">): Promise<string> {
  return createKey(stack, "back-end", ["tenants:write", "tokens"]);
}
