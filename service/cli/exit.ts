import { OffshootError } from "../client/client.ts";

/** Exit codes of the command line: part of its contract. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  notAllowed: 4,
  timeout: 5,
  skipped: 6,
} as const;

export const EXIT_HELP =
  "0 done, 1 failed, 2 wrong usage, 3 not found, 4 not allowed or not signed in, 5 took too long, 6 skipped (no database for this place). `run` ends with the code of its command.";

/** Ends the command with this code; the message says what happened and what to do next. */
export class Exit extends Error {
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.name = "Exit";
    this.code = code;
  }
}

/** A wrong command line. */
export function usage(message: string): Exit {
  return new Exit(EXIT.usage, message);
}

/** By name, because each part of the bundle has a class of its own. */
export function isExit(error: unknown): error is Exit {
  return error instanceof Error && error.name === "Exit";
}

/** The exit code of an error. */
export function exitCodeOf(error: unknown): number {
  if (isExit(error)) return error.code;
  // The reasons of the service's own handlers, which operators' commands run here, are those of the API.
  const { reason } = Object(error);
  if (reason === "not_found") return EXIT.notFound;
  if (reason === "invalid_request") return EXIT.usage;
  if (!(error instanceof OffshootError)) return EXIT.failed;
  if (error.reason === "timeout") return EXIT.timeout;
  if (error.status === 404) return EXIT.notFound;
  if (error.status === 401 || error.status === 403) return EXIT.notAllowed;
  return EXIT.failed;
}
