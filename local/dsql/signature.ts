import { createHash } from "node:crypto";
import { Sha256 } from "@smithy/core/checksum";
import { HttpRequest } from "@smithy/core/protocols";
import { SignatureV4 } from "@smithy/signature-v4";
import type { Neighbour } from "./neighbour.ts";
import type { Identity, Principals, Refusal } from "./principals.ts";
import { equal } from "./text.ts";

/** What a signature is good for, and who may sign. */
export interface Scope {
  service: "dsql" | Neighbour["service"];
  region: string;
  principals: Pick<Principals, "find">;
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
  identity: Identity;
}

/** AWS refuses requests whose date is more than 5 minutes away from its own clock. */
const CLOCK_SKEW_MS = 5 * 60_000;

/** One week, the longest life of a token (SigV4 presigned requests). */
const MAX_TOKEN_SECONDS = 604_800;

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/;

/** Verifies a request (SigV4 in the authorization header) by signing it again. Out: who signed. */
export async function verifyRequest(
  request: SignedRequest,
  scope: Scope,
  now: Date,
): Promise<Identity | Refusal> {
  const [, credential, signedHeaders, signature] =
    AUTHORIZATION.exec(header(request, "authorization") ?? "") ?? [];
  if (!credential || !signedHeaders || !signature)
    return { refused: "Missing Authentication Token", kind: "missing" };
  const signer = readSigner(credential, header(request, "x-amz-security-token"), scope, now);
  if ("refused" in signer) return signer;
  const date = readDate(header(request, "x-amz-date"));
  if (!date) return mismatch("The header x-amz-date is missing or not a date");
  if (Math.abs(now.getTime() - date.getTime()) > CLOCK_SKEW_MS) {
    const given = header(request, "x-amz-date");
    return mismatch(`Signature expired: ${given} is not within 5 minutes of ${now.toISOString()}`);
  }
  const claimed = header(request, "x-amz-content-sha256");
  if (claimed !== undefined && claimed !== createHash("sha256").update(request.body).digest("hex")) {
    return mismatch("The body does not match the header x-amz-content-sha256");
  }
  const names = new Set(signedHeaders.split(";"));
  const signed = await signer.signer.sign(toHttpRequest(request, names), {
    signingDate: date,
    signableHeaders: names,
  });
  const { authorization = "" } = signed.headers;
  const expected = AUTHORIZATION.exec(authorization)?.[3] ?? "";
  return equal(signature, expected) ? signer.identity : mismatch();
}

/**
 * Verifies a connection token, which is a presigned GET without its scheme, by presigning it again. It does not judge for whom
 * the token is: compare `hostname` and `action` with the connection.
 */
export async function verifyToken(token: string, scope: Scope, now: Date): Promise<Token | Refusal> {
  const url = URL.canParse(`https://${token}`) ? new URL(`https://${token}`) : undefined;
  const parameters = url?.searchParams ?? new URLSearchParams();
  const signature = parameters.get("X-Amz-Signature");
  const date = readDate(parameters.get("X-Amz-Date") ?? undefined);
  const expiresIn = Number(parameters.get("X-Amz-Expires"));
  const action = parameters.get("Action") ?? "";
  if (!url || !signature || !date) return mismatch("The password is not an authentication token");
  if (!Number.isInteger(expiresIn) || expiresIn < 1 || expiresIn > MAX_TOKEN_SECONDS) {
    return mismatch(`X-Amz-Expires must be between 1 and ${MAX_TOKEN_SECONDS} seconds`);
  }
  const sessionToken = parameters.get("X-Amz-Security-Token") ?? undefined;
  const signer = readSigner(parameters.get("X-Amz-Credential") ?? "", sessionToken, scope, now);
  if ("refused" in signer) return signer;
  const request = new HttpRequest({
    ...{ method: "GET", protocol: "https:", hostname: url.hostname },
    ...{ query: { Action: action }, headers: { host: url.hostname } },
  });
  const presigned = await signer.signer.presign(request, { expiresIn, signingDate: date });
  if (!equal(signature, String(presigned.query?.["X-Amz-Signature"]))) return mismatch();
  const expiry = date.getTime() + expiresIn * 1000;
  if (now.getTime() >= expiry)
    return mismatch(`Signature expired: ${basic(now)} is now later than ${basic(new Date(expiry))}`);
  if (date.getTime() - now.getTime() > CLOCK_SKEW_MS) return mismatch("Signature not yet current");
  return { hostname: url.hostname, action, identity: signer.identity };
}

function mismatch(
  refused = "The request signature does not match: check the secret access key and what was signed",
): Refusal {
  return { refused, kind: "signature" };
}

/** Who claims to have signed, with the means to sign as they would have. */
function readSigner(credential: string, sessionToken: string | undefined, scope: Scope, now: Date) {
  const { service, region, principals } = scope;
  const [accessKeyId = "", , signedRegion, signedService] = credential.split("/");
  const identity = principals.find(accessKeyId, sessionToken, now);
  if ("refused" in identity) return identity;
  if (signedService !== service)
    return mismatch(`Credential should be scoped to correct service: '${service}'`);
  if (signedRegion !== region)
    return mismatch(`Credential should be scoped to a valid region, not '${signedRegion}'`);
  const { secretAccessKey } = identity;
  const credentials = {
    ...{ accessKeyId, secretAccessKey },
    ...(sessionToken === undefined ? {} : { sessionToken }),
  };
  return { identity, signer: new SignatureV4({ service, region, credentials, sha256: Sha256 }) };
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
