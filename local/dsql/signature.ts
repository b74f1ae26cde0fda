import { createHash, timingSafeEqual } from "node:crypto";
import { Sha256 } from "@smithy/core/checksum";
import { HttpRequest } from "@smithy/core/protocols";
import { SignatureV4 } from "@smithy/signature-v4";

/** Access key id -> secret access key. The local account has one principal; what it may do is not evaluated. */
export type Credentials = ReadonlyMap<string, string>;

export const LOCAL_CREDENTIALS: Credentials = new Map([["local", "local"]]);

/** What is wrong with a signature, in words for the one who signed. */
export interface Refusal {
  refused: string;
}

export interface SignedRequest {
  method: string;
  /** As it came: path and query, still encoded. */
  url: string;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  body: Uint8Array;
}

export interface Token {
  hostname: string;
  action: string;
  region: string;
}

const SERVICE = "dsql";

/** AWS refuses requests whose date is more than 5 minutes away from its own clock. */
const CLOCK_SKEW_MS = 5 * 60_000;

/** One week, the longest life of a token (SigV4 presigned requests). */
const MAX_TOKEN_SECONDS = 604_800;

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/;

/** Verifies a request of the control plane (SigV4 in the authorization header) by signing it again. */
export async function verifyRequest(
  request: SignedRequest,
  region: string,
  credentials: Credentials,
  now: Date,
): Promise<Refusal | undefined> {
  const [, credential, signedHeaders, signature] =
    AUTHORIZATION.exec(header(request, "authorization") ?? "") ?? [];
  if (!credential || !signedHeaders || !signature) return { refused: "Missing Authentication Token" };
  const scope = readScope(credential, region, credentials);
  if (scope.refused !== undefined) return { refused: scope.refused };
  const date = readDate(header(request, "x-amz-date"));
  if (!date) return { refused: "The header x-amz-date is missing or not a date" };
  if (Math.abs(now.getTime() - date.getTime()) > CLOCK_SKEW_MS) {
    return {
      refused: `Signature expired: ${header(request, "x-amz-date")} is not within 5 minutes of ${now.toISOString()}`,
    };
  }
  const claimed = header(request, "x-amz-content-sha256");
  if (claimed !== undefined && claimed !== createHash("sha256").update(request.body).digest("hex")) {
    return { refused: "The body does not match the header x-amz-content-sha256" };
  }
  const names = new Set(signedHeaders.split(";"));
  const signed = await scope.signer.sign(toHttpRequest(request, names), {
    signingDate: date,
    signableHeaders: names,
  });
  const { authorization = "" } = signed.headers;
  const expected = AUTHORIZATION.exec(authorization)?.[3] ?? "";
  return equal(signature, expected) ? undefined : { refused: MISMATCH };
}

/**
 * Verifies a connection token, which is a presigned GET without its scheme, by presigning it again. It does not judge for whom
 * the token is: compare `hostname` and `action` with the connection.
 */
export async function verifyToken(
  token: string,
  region: string,
  credentials: Credentials,
  now: Date,
): Promise<Token | Refusal> {
  const url = URL.canParse(`https://${token}`) ? new URL(`https://${token}`) : undefined;
  const parameters = url?.searchParams ?? new URLSearchParams();
  const signature = parameters.get("X-Amz-Signature");
  const date = readDate(parameters.get("X-Amz-Date") ?? undefined);
  const expiresIn = Number(parameters.get("X-Amz-Expires"));
  const action = parameters.get("Action") ?? "";
  if (!url || !signature || !date) return { refused: "The password is not an authentication token" };
  if (!Number.isInteger(expiresIn) || expiresIn < 1 || expiresIn > MAX_TOKEN_SECONDS) {
    return { refused: `X-Amz-Expires must be between 1 and ${MAX_TOKEN_SECONDS} seconds` };
  }
  const sessionToken = parameters.get("X-Amz-Security-Token") ?? undefined;
  const scope = readScope(parameters.get("X-Amz-Credential") ?? "", region, credentials, sessionToken);
  if (scope.refused !== undefined) return { refused: scope.refused };
  const request = new HttpRequest({
    ...{ method: "GET", protocol: "https:", hostname: url.hostname },
    ...{ query: { Action: action }, headers: { host: url.hostname } },
  });
  const presigned = await scope.signer.presign(request, { expiresIn, signingDate: date });
  if (!equal(signature, String(presigned.query?.["X-Amz-Signature"]))) return { refused: MISMATCH };
  const expiry = date.getTime() + expiresIn * 1000;
  if (now.getTime() >= expiry || date.getTime() - now.getTime() > CLOCK_SKEW_MS) {
    const [at, end] = [basic(now), basic(new Date(expiry))];
    return {
      refused:
        now.getTime() >= expiry
          ? `Signature expired: ${at} is now later than ${end}`
          : "Signature not yet current",
    };
  }
  return { hostname: url.hostname, action, region };
}

const MISMATCH = "The request signature does not match: check the secret access key and what was signed";

function readScope(credential: string, region: string, credentials: Credentials, sessionToken?: string) {
  const [accessKeyId = "", , signedRegion, service] = credential.split("/");
  const secretAccessKey = credentials.get(accessKeyId);
  if (secretAccessKey === undefined)
    return { refused: "The security token included in the request is invalid" };
  if (service !== SERVICE) return { refused: `Credential should be scoped to correct service: '${SERVICE}'` };
  if (signedRegion !== region)
    return { refused: `Credential should be scoped to a valid region, not '${signedRegion}'` };
  const identity = { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
  return { signer: new SignatureV4({ service: SERVICE, region, credentials: identity, sha256: Sha256 }) };
}

function toHttpRequest(request: SignedRequest, names: ReadonlySet<string>): HttpRequest {
  const [path = "/", search = ""] = request.url.split("?", 2);
  const query: Record<string, string | string[]> = {};
  const parameters = new URLSearchParams(search);
  for (const name of new Set(parameters.keys())) {
    const values = parameters.getAll(name);
    query[name] = values.length === 1 ? (values[0] ?? "") : values;
  }
  const headers: Record<string, string> = {};
  for (const name of names) headers[name] = header(request, name) ?? "";
  return new HttpRequest({ method: request.method, path, query, headers, body: request.body });
}

function header(request: SignedRequest, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(",") : value;
}

function readDate(text: string | undefined): Date | undefined {
  const found = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text ?? "");
  if (!found) return undefined;
  const [, year, month, day, hour, minute, second] = found;
  const date = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

function basic(date: Date): string {
  return date.toISOString().replace(/[-:]|\.\d+/g, "");
}

function equal(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
