import type { Identity, Refusal } from "./principals.ts";

/** One of AWS' services beside DSQL, in the protocol that its SDK client speaks. */
export interface Neighbour {
  service: "sts" | "ssm" | "cloudformation" | "secretsmanager" | "servicequotas" | "iam";
  /** What its requests are signed for, if that is always the same Region. */
  region?: string;
  contentType: string;
  /** Reads what a request asks for. Throws NeighbourError. */
  read(headers: Readonly<Record<string, unknown>>, body: string): Wish;
  /** What the operation is done to, as policies name it; nothing if everybody may do it. */
  resourceOf(wish: Wish): string | undefined;
  /** Does it. Out: the answer's body. Throws NeighbourError. */
  run(wish: Wish, identity: Identity): Promise<string> | string;
  /** The body of an error. */
  describe(error: NeighbourError): string;
  /** How the service calls the errors that all services have. */
  codes: Readonly<Record<Refusal["kind"] | "denied" | "throttled" | "internal", string>>;
  /** The status of a refusal to let somebody in; other errors of the caller are 400. */
  refusedStatus: number;
}

export interface Wish {
  operation: string;
  input: Readonly<Record<string, unknown>>;
}

/** An error with the code that the SDK makes its name of. */
export class NeighbourError extends Error {
  readonly code: string;
  readonly status: number;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: string, message: string, status = 400, retryAfterSeconds?: number) {
    super(message);
    this.code = code;
    this.status = status;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}
