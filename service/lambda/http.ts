/** The function behind the rest of HTTP: the API, sign-in and health, by the same Fastify app as the server's. */
import awsLambdaFastify from "@fastify/aws-lambda";
import type { APIGatewayProxyEventV2, Context } from "aws-lambda";
import { checkStoreVersion } from "../adapters/store/schema.ts";
import { composeHttp, composeQueue } from "../compose.ts";
import { logOf } from "../compose-parts.ts";
import { createAfterResponse } from "./after-response.ts";
import { announceLater } from "./announce-later.ts";
import { onColdStart } from "./cold-start.ts";
import { readFunctionConfig } from "./environment.ts";

export const handler = onColdStart(async () => {
  const after = await createAfterResponse(process.env["AWS_LAMBDA_RUNTIME_API"]);
  const config = await readFunctionConfig(process.env);
  const announce = announceLater(composeQueue(config), after, logOf(config));
  const { app, pool } = composeHttp(config, announce);
  await checkStoreVersion(pool);
  const answer = awsLambdaFastify<APIGatewayProxyEventV2>(app, { decorateRequest: false });
  await app.ready();
  return (event: APIGatewayProxyEventV2, context: Context) => after.during(() => answer(event, context));
});
