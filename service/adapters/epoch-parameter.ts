import { GetParameterCommand, ParameterNotFound, PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { readOuter, writeOuter } from "../domain/epoch.ts";
import { Retryable } from "../domain/errors.ts";
import { EPOCH_FOLLOW_MS } from "../domain/limits.ts";
import type { EpochKeeper } from "../handlers/ports-brake.ts";
import type { Credentials } from "./dsql-credentials.ts";
import { unknownOf } from "./dsql-failure.ts";

/** Half of the time in which a write must follow, so that one that was sent in time also ends in time. */
const CALL_MS = EPOCH_FOLLOW_MS / 2;

export interface EpochParameterOptions {
  readonly name: string;
  readonly region: string;
  readonly credentials: Credentials;
  /** Another address of SSM, such as the local one. */
  readonly endpoint?: string;
}

/**
 * The epoch in an SSM parameter (ssm:GetParameter and ssm:PutParameter on it), with one client for the life of the
 * process. The SDK retries nothing: a repeated write could arrive late.
 */
export function createEpochParameter(options: EpochParameterOptions): EpochKeeper {
  const { name: Name, region, credentials, endpoint } = options;
  const client = new SSMClient({ region, credentials, maxAttempts: 1, ...(endpoint ? { endpoint } : {}) });
  return {
    async read() {
      try {
        const abortSignal = AbortSignal.timeout(CALL_MS);
        const { Parameter } = await client.send(new GetParameterCommand({ Name }), { abortSignal });
        return readOuter(Parameter?.Value ?? "");
      } catch (error) {
        if (error instanceof ParameterNotFound) return null;
        throw unavailable(Name, error);
      }
    },
    async write(epoch) {
      const parameter = {
        Name,
        Value: writeOuter(epoch),
        Type: "String",
        Tier: "Standard",
        Overwrite: true,
      } as const;
      const abortSignal = AbortSignal.timeout(CALL_MS);
      await client.send(new PutParameterCommand(parameter), { abortSignal }).catch((error: unknown) => {
        throw unavailable(Name, error);
      });
    },
    close: () => client.destroy(),
  };
}

function unavailable(name: string, error: unknown): Retryable {
  const { cause, retryAfterMs } = unknownOf(error);
  const next = "Nothing is done until it can be read and written (ssm:GetParameter, ssm:PutParameter).";
  return new Retryable("epoch_unavailable", `The epoch in the SSM parameter ${name}: ${cause} ${next}`, {
    afterMs: retryAfterMs,
    cause: error,
  });
}
