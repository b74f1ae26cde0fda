import { Refused, Retryable } from "../domain/errors.ts";
import type { StatementOutcome } from "../handlers/ports.ts";

/** A server's message is kept and shown; longer ones quote what they complain about. */
const MESSAGE_CHARACTERS = 1_000;
/** An error inside an error inside an error; deeper ones have not been seen. */
const CAUSES_MAX = 5;
/** DSQL's limits of connections (quotas page): too many at once, too many per second. The bucket refills at 100 a second. */
const CONNECTION_LIMITS = new Set(["53300", "53400"]);
const CONNECTION_LIMIT_WAIT_MS = 1_000;

interface ServerError {
  readonly code: string;
  readonly message: string;
  readonly severity: string;
  readonly hint: string;
}

/**
 * What an error of one statement in autocommit means for it. Never DETAIL, which quotes values of rows.
 * 40001 is DSQL's conflict (OC000, OC001): nothing was committed. XX000 `server unavailable`, class 08 and the ends of a
 * session leave open whether it was applied, and so does everything that is not the server's own answer.
 */
export function statementError(error: unknown): Exclude<StatementOutcome, { kind: "applied" | "building" }> {
  const server = serverErrorOf(error);
  if (!server) return { kind: "lost", cause: causeOf(error) };
  const { code, message } = server;
  if (code === "40001") return { kind: "conflict" };
  const isLost = server.severity !== "ERROR" || /^(08|57P)/.test(code) || isUnavailable(server);
  return isLost ? { kind: "lost", cause: `${code} ${message}` } : { kind: "failed", code, message };
}

/** What an error while connecting, or while proving that a cluster answers, means: Retryable or Refused. */
export function connectError(endpoint: string, error: unknown): Retryable | Refused {
  if (error instanceof Refused) return error;
  const server = serverErrorOf(error);
  if (server && /waking up cluster/i.test(server.message)) {
    return new Retryable("waking_up", `${endpoint} is waking up; connect again in a moment.`);
  }
  if (server && /access denied/i.test(server.message) && !/expired/i.test(server.hint)) {
    const message = `${endpoint} refused our token: ${server.message}. ${server.hint} Allow dsql:DbConnectAdmin.`;
    return new Refused("access_denied", message);
  }
  const said = server ? `${server.code} ${server.message}` : causeOf(error);
  const limited = server && CONNECTION_LIMITS.has(server.code) ? { afterMs: CONNECTION_LIMIT_WAIT_MS } : {};
  return new Retryable("connect_failed", `${endpoint} could not be reached: ${said}`, limited);
}

/** The server's own error, also if it is the cause of another one. */
function serverErrorOf(error: unknown): ServerError | null {
  let inner: unknown = error;
  for (let depth = 0; depth < CAUSES_MAX && inner instanceof Error; depth += 1) {
    const { code, severity, hint }: Record<string, unknown> = Object(inner);
    // A socket's error has a code too (EPIPE is five letters), but no severity.
    if (typeof code === "string" && typeof severity === "string") {
      const message = inner.message.slice(0, MESSAGE_CHARACTERS);
      return { code, severity, message, hint: withoutAccount(String(hint ?? "")) };
    }
    inner = inner.cause;
  }
  return null;
}

function isUnavailable({ code, message }: ServerError): boolean {
  return code === "XX000" && /server unavailable/i.test(message);
}

function causeOf(error: unknown): string {
  return error instanceof Error ? withoutAccount(error.message) : "The connection failed.";
}

/** Hints name ARNs; an account id is nobody's business in a log or a comment. */
function withoutAccount(text: string): string {
  return (text.split("\n", 1)[0] ?? "").replace(/\d{12}/g, "<account>").slice(0, MESSAGE_CHARACTERS);
}
