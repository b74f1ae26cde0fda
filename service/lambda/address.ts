import type { APIGatewayProxyEventV2 } from "aws-lambda";

/** The domain of a function URL, as AWS gives it out; an HTTP API has `execute-api`, or a domain of its own. */
const FUNCTION_URL = /\.lambda-url\./;

/**
 * The event with path and query as they were sent, which is how a server sees them. The query is taken from
 * `rawQueryString`, because its parsed form joins repeated names with commas, and a value may hold one. A function URL
 * shows the path as it was sent, an HTTP API decodes it although it calls it raw, so it is encoded again.
 */
export function withAddress(event: APIGatewayProxyEventV2): APIGatewayProxyEventV2 {
  const { queryStringParameters: _parsed, rawPath, rawQueryString, requestContext, ...rest } = event;
  const path = FUNCTION_URL.test(requestContext.domainName ?? "") ? rawPath : encodedPath(rawPath);
  const search = rawQueryString ? `?${rawQueryString}` : "";
  return { ...rest, requestContext, rawQueryString, rawPath: `${path}${search}` };
}

function encodedPath(path: string): string {
  return encodeURI(path.toWellFormed()).replace(/[?#]/g, encodeURIComponent);
}
