import { readOuter, writeOuter } from "../domain/epoch.ts";
import { Refused, Retryable } from "../domain/errors.ts";
import { EPOCH_FOLLOW_MS } from "../domain/limits.ts";
import type { EpochKeeper } from "../handlers/ports-brake.ts";
import { createAwsCall } from "./aws-json.ts";
import type { Credentials } from "./dsql-credentials.ts";

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
 * The epoch in an SSM parameter (ssm:GetParameter and ssm:PutParameter on it). Nothing is tried again: a repeated write
 * could arrive late.
 */
export function createEpochParameter(options: EpochParameterOptions): EpochKeeper {
  const { name: Name, region, credentials, endpoint } = options;
  const call = createAwsCall({
    ...{ service: "ssm", region, credentials, target: "AmazonSSM", version: "1.1" },
    endpoint: endpoint ?? `https://ssm.${region}.amazonaws.com`,
    triesMax: 1,
    timeoutMs: CALL_MS,
  });
  return {
    async read() {
      try {
        const { Parameter } = await call("GetParameter", { Name });
        return readOuter(String(Object(Parameter).Value ?? ""));
      } catch (error) {
        if (error instanceof Refused && error.message.includes("ParameterNotFound")) return null;
        throw unavailable(Name, error);
      }
    },
    async write(epoch) {
      const parameter = { Name, Value: writeOuter(epoch), Type: "String", Tier: "Standard", Overwrite: true };
      await call("PutParameter", parameter).catch((error: unknown) => {
        throw unavailable(Name, error);
      });
    },
    close: () => {},
  };
}

function unavailable(name: string, error: unknown): Retryable {
  const cause = error instanceof Error ? error.message : String(error);
  const next = "Nothing is done until it can be read and written (ssm:GetParameter, ssm:PutParameter).";
  const text = `The epoch in the SSM parameter ${name}: ${cause} ${next}`;
  return new Retryable("epoch_unavailable", text, { cause: error });
}
