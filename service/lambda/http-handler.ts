import awsLambdaFastify from "@fastify/aws-lambda";
import type { APIGatewayProxyEventV2, Context } from "aws-lambda";
import type { FastifyInstance } from "fastify";

export type HttpHandler = (event: APIGatewayProxyEventV2, context: Context) => Promise<unknown>;

/** A Fastify app as a function of API Gateway or a function URL; ready before the first call. */
export async function handlerOf(app: FastifyInstance): Promise<HttpHandler> {
  const answer = awsLambdaFastify<APIGatewayProxyEventV2>(app, { decorateRequest: false });
  await app.ready();
  return answer;
}
