/** The function behind the queue: works on the keys that its messages name. */
import type { Context, SQSBatchResponse, SQSEvent } from "aws-lambda";
import { checkStoreVersion } from "../adapters/store/schema.ts";
import { composeWorker } from "../compose.ts";
import { answerMessages } from "../handlers/messages.ts";
import { onColdStart } from "./cold-start.ts";
import { readFunctionConfig } from "./environment.ts";

export const handler = onColdStart(async () => {
  const { context, queue, pool } = composeWorker(await readFunctionConfig());
  await checkStoreVersion(pool);
  return async ({ Records }: SQSEvent, invocation: Context): Promise<SQSBatchResponse> => {
    const messages = Records.map(({ messageId, body }) => ({ id: messageId, body }));
    const remaining = { remainingMs: () => invocation.getRemainingTimeInMillis() };
    const failed = await answerMessages(context, queue, messages, remaining);
    return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) };
  };
});
