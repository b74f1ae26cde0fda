import {
  ConflictException,
  DSQLServiceException,
  ResourceNotFoundException,
  ServiceQuotaExceededException,
  ValidationException,
} from "@aws-sdk/client-dsql";
import type { Unknown } from "../domain/cluster.ts";
import { CREDENTIALS_NEXT, isCredentialsError } from "./aws-credentials-error.ts";

/** A cause is one line in a log or a comment, not a dump. */
const CAUSE_CHARACTERS = 200;
/** A longer Retry-After than this is taken for a mistake: nothing waits longer for AWS than this at once. */
const RETRY_AFTER_MAX_MS = 15 * 60_000;

/** What an error of the control plane means. Only AWS' own words prove anything; everything else is `unknown`. */
export type Failure =
  | { readonly kind: "absent" | "quota" | "conflict" | "protected" | "refused"; readonly cause: string }
  | Unknown;

/**
 * Sorts what the SDK threw. The names and statuses are those of the service model (BOTO, dsql 2018-05-10); a 404 or 403
 * without AWS' error type, as a proxy gives it, is `unknown`, never `absent`.
 */
export function failureOf(error: unknown): Failure {
  const cause = causeOf(error);
  if (error instanceof ResourceNotFoundException) return { kind: "absent", cause };
  if (error instanceof ServiceQuotaExceededException) return { kind: "quota", cause };
  if (error instanceof ConflictException) return { kind: "conflict", cause };
  if (error instanceof ValidationException && error.reason === "deletionProtectionEnabled") {
    return { kind: "protected", cause };
  }
  const status = error instanceof DSQLServiceException ? error.$metadata.httpStatusCode : undefined;
  const name = nameOf(error);
  const isPassing = isCredentialsError(name) || /Throttl/.test(name);
  const isRefused = (status === 400 || status === 403) && !isPassing;
  return isRefused ? { kind: "refused", cause } : unknownOf(error);
}

/** An answer that proves nothing, with the wait that AWS asked for, if it did. */
export function unknownOf(error: unknown): Unknown {
  const seconds: unknown = Object(error).retryAfterSeconds;
  const asked = typeof seconds === "number" && seconds > 0 ? { retryAfterMs: seconds * 1_000 } : {};
  if (asked.retryAfterMs) asked.retryAfterMs = Math.min(asked.retryAfterMs, RETRY_AFTER_MAX_MS);
  return { kind: "unknown", cause: causeOf(error), ...asked };
}

/** One line without account ids; AWS' messages name ARNs, and signature errors go on with the request line by line. */
function causeOf(error: unknown): string {
  const name = nameOf(error);
  if (name === "TimeoutError" || name === "AbortError") return "AWS gave no answer in time.";
  if (!(error instanceof Error)) return "AWS' answer could not be understood.";
  // The SDK's own errors about an unreadable body quote it, and it may be anything.
  if (error instanceof SyntaxError || error instanceof TypeError) return "AWS' answer could not be read.";
  const line = error.message.split("\n", 1)[0] ?? "";
  const cause = `${name}: ${line.replace(/\d{12}/g, "<account>")}`.slice(0, CAUSE_CHARACTERS);
  return isCredentialsError(name) ? `${cause} ${CREDENTIALS_NEXT}` : cause;
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : "";
}
