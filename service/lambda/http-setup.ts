/** The http function of an installation that has no GitHub App yet. */
import { readSetupConfig } from "../config.ts";
import type { Environment } from "../config-shape.ts";
import { Refused } from "../domain/errors.ts";
import { composeSetup, needsSetup, openSecretBook, withSecrets } from "../setup.ts";
import { type HttpHandler, handlerOf } from "./http-handler.ts";

/**
 * Answers with the set-up until the secret has an App, whichever environment of the function made it: so the secret is
 * read with every call, which are few then. After that it answers as `open` does, for the rest of its life.
 */
export async function untilSetUp(
  env: Environment,
  open: (env: Environment) => Promise<HttpHandler>,
): Promise<HttpHandler> {
  const book = openSecretBook(env);
  if (!book)
    throw new Refused("configuration", "There is no GitHub App, and OFFSHOOT_SECRETS_ARN is not set.");
  const setup = await handlerOf(composeSetup(readSetupConfig(env), book).app);
  let service: HttpHandler | null = null;
  return async (event, context) => {
    if (!service) {
      const now = await withSecrets(process.env);
      if (!needsSetup(now)) service = await open(now);
    }
    return (service ?? setup)(event, context);
  };
}
