/** The function behind the rest of HTTP: the API, sign-in and health, by the same Fastify app as the server's. */
import type { APIGatewayProxyEventV2, Context } from "aws-lambda";
import { checkStoreVersion } from "../adapters/store/schema.ts";
import { composeHttp, composeQueue } from "../compose.ts";
import { logOf } from "../compose-parts.ts";
import { readConfig } from "../config.ts";
import type { Environment } from "../config-shape.ts";
import { PAIR } from "../domain/setup.ts";
import { withSecrets } from "../setup.ts";
import { createAfterResponse } from "./after-response.ts";
import { announceLater } from "./announce-later.ts";
import { onColdStart } from "./cold-start.ts";
import { type HttpHandler, handlerOf } from "./http-handler.ts";
import { untilSetUp } from "./http-setup.ts";

export const handler = onColdStart(async () => {
  const after = await createAfterResponse(process.env["AWS_LAMBDA_RUNTIME_API"]);
  const open = async (env: Environment): Promise<HttpHandler> => {
    const config = readConfig(env);
    const announce = announceLater(composeQueue(config), after, logOf(config));
    const { app, pool } = composeHttp(config, announce);
    await checkStoreVersion(pool);
    return handlerOf(app);
  };
  const answer = await begin(open);
  return (event: APIGatewayProxyEventV2, context: Context) => after.during(() => answer(event, context));
});

/** The service, or what there is before it has a GitHub App. */
async function begin(open: (env: Environment) => Promise<HttpHandler>): Promise<HttpHandler> {
  const env = await withSecrets(process.env);
  if (env[PAIR.appId]) return open(env);
  return untilSetUp(env, open);
}
