import { Refused } from "../domain/errors.ts";
import { HINT_DELAY_MS } from "../domain/limits.ts";
import type { Hint, Queue } from "../handlers/ports-queue.ts";
import { type AwsCall, createAwsCall } from "./aws-json.ts";
import { mapBounded } from "./bounded.ts";
import type { Credentials } from "./dsql-credentials.ts";

/** The most that SendMessageBatch takes (SQS quotas page). */
const BATCH_MAX = 10;
/** Batches under way at once: a tick may find a thousand due keys. */
const BATCHES_AT_ONCE = 8;

export interface QueueOptions {
  readonly region: string;
  readonly credentials: Credentials;
  /** As SQS shows it; messages go to its host unless `endpoint` says otherwise. */
  readonly url: string;
  readonly endpoint?: string;
}

/** SQS, as far as hints need it. A message that was refused or lost is no loss: the schedule finds its wakeup. */
export function createQueue(options: QueueOptions): Queue {
  const { url } = options;
  const call = createSqsCall(options);
  const sendBatch = async (hints: readonly Hint[], now: Date) => {
    const entries = hints.map((hint, index) => entryOf(hint, index, now));
    const { Failed: failed } = await call("SendMessageBatch", { QueueUrl: url, Entries: entries });
    if (Array.isArray(failed) && failed.length > 0) {
      const text = `SQS did not take ${failed.length} of ${hints.length} messages.`;
      throw new Refused("queue_refused", text);
    }
  };
  return {
    async send(hints, now) {
      const batches: Hint[][] = [];
      for (let at = 0; at < hints.length; at += BATCH_MAX) batches.push(hints.slice(at, at + BATCH_MAX));
      await mapBounded(batches, BATCHES_AT_ONCE, (batch) => sendBatch(batch, now));
    },
  };
}

/** SQS' own protocol, at the host of the queue's URL unless another one is named. */
export function createSqsCall({ region, credentials, url, endpoint }: QueueOptions): AwsCall {
  return createAwsCall({
    ...{ service: "sqs", region, credentials, target: "AmazonSQS", version: "1.0" },
    endpoint: endpoint ?? new URL(url).origin,
  });
}

function entryOf({ topic, key, dueAt }: Hint, index: number, now: Date) {
  const delayMs = Math.min(HINT_DELAY_MS, Math.max(0, dueAt.getTime() - now.getTime()));
  return {
    Id: String(index),
    MessageBody: JSON.stringify({ topic, key }),
    DelaySeconds: Math.ceil(delayMs / 1_000),
  };
}
