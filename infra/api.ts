import { RemovalPolicy, Stack } from "aws-cdk-lib";
import { AccessLogFormat } from "aws-cdk-lib/aws-apigateway";
import {
  HttpApi,
  HttpMethod,
  HttpRoute,
  HttpRouteKey,
  HttpStage,
  LogGroupLogDestination,
} from "aws-cdk-lib/aws-apigatewayv2";
import { HttpLambdaIntegration } from "aws-cdk-lib/aws-apigatewayv2-integrations";
import type { IKey } from "aws-cdk-lib/aws-kms";
import { LogGroup, type RetentionDays } from "aws-cdk-lib/aws-logs";
import type { Construct } from "constructs";
import type { Functions } from "./functions.ts";
import { accept } from "./nag.ts";

/**
 * Requests a second that pass, and how many at once: far more than one installation's webhooks and callers, and a bound
 * for what a stranger can cost. Refused webhooks come again by GitHub's redelivery, which the tick asks for.
 */
const REQUESTS_PER_SECOND = 200;
const REQUESTS_AT_ONCE = 400;

/** The path, but not the query: GET /setup has its code there. No address and no header: access logs hold nobody's data. */
const ACCESS_LOG = JSON.stringify({
  time: "$context.requestTime",
  requestId: "$context.requestId",
  method: "$context.httpMethod",
  path: "$context.path",
  status: "$context.status",
  bytes: "$context.responseLength",
  ms: "$context.responseLatency",
  error: "$context.error.message",
  integrationError: "$context.integrationErrorMessage",
});

export interface Door {
  readonly api: HttpApi;
  /** Where the service is reached without a domain of the customer's own. */
  readonly url: string;
}

/** The public door, which leads nowhere yet: functions know its address, so it is made before them. */
export function createDoor(scope: Construct, key: IKey | null, logRetentionDays: number): Door {
  const { region, urlSuffix } = Stack.of(scope);
  const api = new HttpApi(scope, "Api", { description: "Offshoot", createDefaultStage: false });
  const logGroup = new LogGroup(scope, "AccessLogs", {
    retention: logRetentionDays as RetentionDays,
    removalPolicy: RemovalPolicy.DESTROY,
    ...(key && { encryptionKey: key }),
  });
  new HttpStage(scope, "Stage", {
    httpApi: api,
    stageName: "$default",
    autoDeploy: true,
    throttle: { rateLimit: REQUESTS_PER_SECOND, burstLimit: REQUESTS_AT_ONCE },
    accessLogSettings: {
      destination: new LogGroupLogDestination(logGroup),
      format: AccessLogFormat.custom(ACCESS_LOG),
    },
  });
  return { api, url: `https://${api.apiId}.execute-api.${region}.${urlSuffix}` };
}

/** One route for webhooks, everything else for the API: most calls are webhooks, and their function is the smallest. */
export function addRoutes({ api }: Door, { webhook, http }: Functions["all"]): void {
  const toWebhook = new HttpLambdaIntegration("Webhook", webhook);
  api.addRoutes({ path: "/webhooks/github", methods: [HttpMethod.POST], integration: toWebhook });
  const everything = new HttpRoute(Stack.of(api), "Everything", {
    httpApi: api,
    routeKey: HttpRouteKey.DEFAULT,
    integration: new HttpLambdaIntegration("Http", http),
  });
  const reason =
    "The service itself decides: webhooks by their signature, the API by keys, OIDC and sessions (docs/authorization.md).";
  for (const routes of [api, everything]) accept(routes, "AwsSolutions-APIG4", reason);
}
