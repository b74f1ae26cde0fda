import { Sha256 } from "@smithy/core/checksum";
import { HttpRequest } from "@smithy/core/protocols";
import { SignatureV4 } from "@smithy/signature-v4";
import { Refused, Retryable } from "../domain/errors.ts";
import { CREDENTIALS_NEXT, isCredentialsError } from "./aws-credentials-error.ts";
import type { Credentials } from "./dsql-credentials.ts";

/**
 * AWS' JSON protocol for the small calls of the public functions: hints, secrets, the epoch. An SDK client would be larger
 * than the whole rest of the webhook's bundle (300 KB of 250 allowed), and loading it most of a cold start. Everything
 * else uses the SDK.
 */
export interface AwsJsonOptions {
  /** As it stands in the signature, such as `sqs`. */
  readonly service: string;
  readonly region: string;
  /** Such as https://sqs.eu-central-1.amazonaws.com */
  readonly endpoint: string;
  readonly credentials: Credentials;
  /** What the header X-Amz-Target begins with, such as `AmazonSQS`. */
  readonly target: string;
  /** AWS' JSON protocol, 1.0 or 1.1, as the service has it. */
  readonly version: "1.0" | "1.1";
  /** How often it is tried; three times unless said. */
  readonly triesMax?: number;
  readonly timeoutMs?: number;
}

/** One action with its input. Throws Retryable `aws_unavailable` or `aws_credentials`, or Refused `aws_refused`. */
export type AwsCall = (action: string, input: object) => Promise<Readonly<Record<string, unknown>>>;

/** An answer within a Region takes milliseconds; what has none after this is tried again. */
const TIMEOUT_MS = 3_000;
/** As many as the SDK tries in its standard mode. */
const TRIES_MAX = 3;
const WAIT_MS = 100;
/** How much of an error text of AWS is repeated. */
const SHOWN_CHARACTERS = 300;

export function createAwsCall(options: AwsJsonOptions): AwsCall {
  const { service, region, endpoint, credentials, target, version } = options;
  const { triesMax = TRIES_MAX, timeoutMs = TIMEOUT_MS } = options;
  const signer = new SignatureV4({ service, region, credentials, sha256: Sha256 });
  const url = new URL(endpoint);
  const send = async (action: string, body: string) => {
    const request = new HttpRequest({
      method: "POST",
      protocol: url.protocol,
      hostname: url.hostname,
      ...(url.port === "" ? {} : { port: Number(url.port) }),
      path: "/",
      headers: {
        host: url.host,
        "content-type": `application/x-amz-json-${version}`,
        "x-amz-target": `${target}.${action}`,
      },
      body,
    });
    const { headers } = await signer.sign(request);
    const signal = AbortSignal.timeout(timeoutMs);
    return fetch(url, { method: "POST", headers: withoutHost(headers), body, signal });
  };
  return async (action, input) => {
    const body = JSON.stringify(input);
    for (let tries = 1; ; tries += 1) {
      try {
        return await readAnswer(action, await send(action, body));
      } catch (error) {
        const failure = asUnavailable(action, error);
        if (failure.reason === "aws_credentials") await credentials({ forceRefresh: true }).catch(() => null);
        if (failure instanceof Refused || tries >= triesMax) throw failure;
        await new Promise((resolve) => setTimeout(resolve, WAIT_MS * tries));
      }
    }
  };
}

/** `fetch` makes this header by itself, the same one that was signed. */
function withoutHost({ host: _host, ...headers }: Record<string, string>): Record<string, string> {
  return headers;
}

async function readAnswer(action: string, response: Response): Promise<Readonly<Record<string, unknown>>> {
  const text = await response.text();
  if (response.ok) return text === "" ? {} : (JSON.parse(text) as Record<string, unknown>);
  const told = text.slice(0, SHOWN_CHARACTERS);
  if (isCredentialsError(told)) {
    const message = `AWS refused the credentials for ${action}: ${told} ${CREDENTIALS_NEXT}`;
    throw new Retryable("aws_credentials", message);
  }
  const isLimit = /Throttl|TooManyRequests|RequestLimitExceeded|SlowDown/.test(told);
  const message = `AWS answered ${response.status} for ${action}: ${told}`;
  if (response.status >= 500 || response.status === 429 || isLimit) {
    throw new Retryable("aws_unavailable", message);
  }
  throw new Refused("aws_refused", message);
}

function asUnavailable(action: string, error: unknown): Refused | Retryable {
  if (error instanceof Refused || error instanceof Retryable) return error;
  const cause = error instanceof Error ? `${error.message}${causeOf(error)}` : String(error);
  return new Retryable("aws_unavailable", `AWS cannot be reached for ${action}: ${cause}`);
}

/** `fetch` tells only "fetch failed", and the reason one level below. */
function causeOf(error: Error): string {
  return error.cause instanceof Error ? ` (${error.cause.message})` : "";
}
