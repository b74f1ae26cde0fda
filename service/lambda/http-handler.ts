import awsLambdaFastify from "@fastify/aws-lambda";
import type { APIGatewayProxyEventV2, Context } from "aws-lambda";
import type { FastifyInstance } from "fastify";
import { withAddress } from "./address.ts";

export type HttpHandler = (event: APIGatewayProxyEventV2, context: Context) => Promise<unknown>;

/** A Fastify app as a function of API Gateway or a function URL; ready before the first call. */
export async function handlerOf(app: FastifyInstance): Promise<HttpHandler> {
  // Under this name waits.ts reads what is left of the function's time.
  const answer = awsLambdaFastify<APIGatewayProxyEventV2>(app, { decorationPropertyName: "invocation" });
  await app.ready();
  return (event, context) => answer(withAddress(event), context);
}
