/** The function behind the schedule: sends on what is due, and sees to it that the chores are done. */
import type { Context, ScheduledEvent } from "aws-lambda";
import { checkStoreVersion } from "../adapters/store/schema.ts";
import { composeWorker } from "../compose.ts";
import { tick } from "../handlers/tick.ts";
import { onColdStart } from "./cold-start.ts";
import { readFunctionConfig } from "./environment.ts";

export const handler = onColdStart(async () => {
  const { context, queue, pool } = composeWorker(await readFunctionConfig());
  await checkStoreVersion(pool);
  return (_event: ScheduledEvent, invocation: Context): Promise<void> =>
    tick(context, queue, { remainingMs: () => invocation.getRemainingTimeInMillis() });
});
