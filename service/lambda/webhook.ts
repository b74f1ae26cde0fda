/** The function behind `POST /webhooks/github`: most invocations are this one, so it loads no more than it needs. */
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from "aws-lambda";
import { composeQueue, composeWebhook } from "../compose.ts";
import { logOf } from "../compose-parts.ts";
import { answerFunctionEvent } from "../http/function-event.ts";
import { createAfterResponse } from "./after-response.ts";
import { announceLater } from "./announce-later.ts";
import { onColdStart } from "./cold-start.ts";
import { readFunctionConfig } from "./environment.ts";

export const handler = onColdStart(async () => {
  const after = await createAfterResponse(process.env["AWS_LAMBDA_RUNTIME_API"]);
  const config = await readFunctionConfig();
  const announce = announceLater(composeQueue(config), after, logOf(config));
  const deps = composeWebhook(config, announce);
  return (event: APIGatewayProxyEventV2, _context: Context): Promise<APIGatewayProxyStructuredResultV2> =>
    after.during(() => answerFunctionEvent(deps, event));
});
