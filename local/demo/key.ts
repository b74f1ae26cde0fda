import { runToEnd } from "./process.ts";
import type { Stack } from "./stack.ts";

/** Makes an API key as an operator does, with what a SaaS back end needs. Out: the credential, which is shown once. */
export async function createBackEndKey({ serviceEnv }: Pick<Stack, "serviceEnv">): Promise<string> {
  const scopes = ["tenants:write", "tokens"].flatMap((scope) => ["--scope", scope]);
  const args = ["keys", "create", "back-end", ...scopes, "--json"];
  const made = await runToEnd({ script: "service/cli.ts", args, env: serviceEnv, logFile: "" });
  return (JSON.parse(made) as { credential: string }).credential;
}
