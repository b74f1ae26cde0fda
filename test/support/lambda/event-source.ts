import {
  DeleteMessageBatchCommand,
  type Message,
  ReceiveMessageCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import type { SQSBatchResponse } from "aws-lambda";
import type { LambdaFunction } from "./pool.ts";

/** Lambda's event source mapping: batches of messages to the function, and what it did not answer as failed is deleted. */
export interface EventSource {
  stop(): Promise<void>;
}

const BATCH = 10;

export function startEventSource(
  sqs: SQSClient,
  queueUrl: string,
  wake: LambdaFunction,
  pollers: number,
): EventSource {
  const stopping = new AbortController();
  const poll = async () => {
    while (!stopping.signal.aborted) {
      const receive = new ReceiveMessageCommand({
        QueueUrl: queueUrl,
        MaxNumberOfMessages: BATCH,
        WaitTimeSeconds: 1,
      });
      const { Messages: messages = [] } = await sqs.send(receive, { abortSignal: stopping.signal });
      if (messages.length === 0) continue;
      const failed = await invoke(wake, messages);
      const done = messages.filter(({ MessageId }) => !failed.has(String(MessageId)));
      if (done.length === 0) continue;
      const Entries = done.map(({ MessageId, ReceiptHandle }) => ({ Id: MessageId, ReceiptHandle }));
      await sqs.send(new DeleteMessageBatchCommand({ QueueUrl: queueUrl, Entries }));
    }
  };
  const polls = Array.from({ length: pollers }, () => poll().catch(ignoreAbort));
  return {
    async stop() {
      stopping.abort();
      await Promise.all(polls);
    },
  };
}

async function invoke(wake: LambdaFunction, messages: readonly Message[]): Promise<ReadonlySet<string>> {
  const Records = messages.map(({ MessageId, Body, ReceiptHandle }) => ({
    ...{ messageId: MessageId, body: Body, receiptHandle: ReceiptHandle },
    ...{ attributes: {}, messageAttributes: {}, md5OfBody: "" },
    ...{ eventSource: "aws:sqs", eventSourceARN: "arn:aws:sqs:us-east-1:000000000000:wake", awsRegion: "" },
  }));
  try {
    const { batchItemFailures } = (await wake.invoke({ Records })) as SQSBatchResponse;
    return new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
  } catch {
    return new Set(messages.map(({ MessageId }) => String(MessageId)));
  }
}

function ignoreAbort(error: unknown): void {
  if (!(error instanceof Error) || error.name !== "AbortError") throw error;
}
