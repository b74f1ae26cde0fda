import { createSqsCall, type QueueOptions } from "./queue.ts";

/** Messages of the queue of hints, as SQS counts them, and of the queue of those that failed too often. */
export interface QueueDepth {
  readonly waiting: number;
  /** Null if the queue has no dead-letter queue. */
  readonly dead: { readonly messages: number; readonly queueArn: string } | null;
}

/** Asks SQS how many messages there are, roughly. Throws Retryable or Refused. */
export async function readQueueDepth(options: QueueOptions): Promise<QueueDepth> {
  const { url } = options;
  const call = createSqsCall(options);
  const attributesOf = async (QueueUrl: string) => {
    const AttributeNames = ["ApproximateNumberOfMessages", "RedrivePolicy"];
    const answer = await call("GetQueueAttributes", { QueueUrl, AttributeNames });
    return Object(answer["Attributes"]) as Readonly<Record<string, string | undefined>>;
  };
  const { ApproximateNumberOfMessages: waiting, RedrivePolicy: redrive } = await attributesOf(url);
  const arn = redrive === undefined ? "" : String(Object(JSON.parse(redrive)).deadLetterTargetArn ?? "");
  const name = arn.split(":").at(-1);
  const dead = name ? await attributesOf(url.replace(/[^/]+$/, name)) : null;
  return {
    waiting: Number(waiting ?? 0),
    dead: dead && { messages: Number(dead["ApproximateNumberOfMessages"] ?? 0), queueArn: arn },
  };
}
