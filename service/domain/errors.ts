/**
 * The two ways in which an outside call may fail. Everything else that is thrown is a bug: the worker backs off
 * and raises an alarm. `reason` is a public reason code; the message says what happened, to what, and what to do next.
 */

/** Retrying cannot mend it: a person or a new event must change something first. */
export class Refused extends Error {
  readonly reason: string;
  constructor(reason: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "Refused";
    this.reason = reason;
  }
}

/** What a pause applies to: GitHub limits an installation, AWS an account and Region. */
export type PauseScope = "installation" | "region" | "none";

/** Trying again later can mend it. `afterMs` is the least wait that the other side asked for, in milliseconds. */
export class Retryable extends Error {
  readonly reason: string;
  readonly afterMs: number | undefined;
  readonly pauses: PauseScope;
  constructor(
    reason: string,
    message: string,
    options: { afterMs?: number | undefined; pauses?: PauseScope; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = "Retryable";
    this.reason = reason;
    this.afterMs = options.afterMs;
    this.pauses = options.pauses ?? "none";
  }
}

/** Another worker holds the key now: nothing of ours may be written any more. */
export class Fenced extends Error {
  constructor(topic: string, key: string) {
    super(
      `The lease on ${topic} ${key} was taken by another worker; this step is dropped and that worker goes on.`,
    );
    this.name = "Fenced";
  }
}
