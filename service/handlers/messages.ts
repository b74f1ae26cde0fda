import type { Context } from "./context.ts";
import { hintName, type Remaining, workOnHints } from "./hints.ts";
import type { Hint, Queue } from "./ports-queue.ts";
import { TOPICS } from "./ports-store.ts";

/** A message of the queue, as it came. */
export interface Message {
  readonly id: string;
  readonly body: string;
}

/** A key of a git branch holds its name, which git bounds at 255, and a host name. */
const KEY_CHARACTERS_MAX = 1_024;
/** How much of a message that is not ours is shown. */
const SHOWN_CHARACTERS = 100;

/**
 * Works on the keys that the messages name. A key that is named twice is looked at once. Out: the ids of messages that
 * should come again: those that nobody could look at, and those that are none of ours, which end in the dead-letter queue.
 */
export async function answerMessages(
  context: Context,
  queue: Queue,
  messages: readonly Message[],
  remaining: Remaining,
): Promise<readonly string[]> {
  const now = context.clock.now();
  const read = messages.map(({ id, body }) => ({ id, hint: readHint(body, now), body }));
  for (const { id, hint, body } of read) {
    if (hint) continue;
    context.log.error({ message: id, body: body.slice(0, SHOWN_CHARACTERS) }, "a message is not ours");
  }
  const hints = read.flatMap(({ hint }) => (hint ? [hint] : []));
  const failed = await workOnHints(context, queue, hints, remaining);
  const names = new Set(failed.map(hintName));
  return read.filter(({ hint }) => !hint || names.has(hintName(hint))).map(({ id }) => id);
}

function readHint(body: string, now: Date): Hint | null {
  try {
    const { topic: named, key } = JSON.parse(body) as { topic?: unknown; key?: unknown };
    const topic = TOPICS.find((one) => one === named);
    if (!topic || typeof key !== "string" || key === "" || key.length > KEY_CHARACTERS_MAX) return null;
    return { topic, key, dueAt: now };
  } catch {
    return null;
  }
}
