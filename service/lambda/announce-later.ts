import { sendable } from "../handlers/hints.ts";
import type { Log } from "../handlers/ports.ts";
import type { Announce, Queue } from "../handlers/ports-queue.ts";
import type { AfterResponse } from "./after-response.ts";

/** Tells the queue of each commit by one call that no response waits for. One that fails costs a minute: the tick's. */
export function announceLater(queue: Queue, after: AfterResponse, log: Log): Announce {
  return (hints) => {
    const now = new Date();
    const worth = sendable(hints, now);
    if (worth.length === 0) return;
    after.add(
      queue
        .send(worth, now)
        .catch((error: unknown) => log.warn({ cause: String(error) }, "the queue could not be told")),
    );
  };
}
