import type { Journal } from "../../service/handlers/ports.ts";
import { type Envelope, receive } from "../../service/handlers/receive.ts";
import type { Baton } from "./baton.ts";
import { type Comment, HOST, INSTALLATION, type PullRequest } from "./github.ts";
import type { Stage } from "./stage.ts";

const APP_ID = 4242;
/** Deliveries that may reach the door in one moment, to share a commit. */
const AT_ONCE = 3;

/** The webhooks on their way: lost, doubled under the same or another guid, late, and so out of order. */
export interface Deliveries {
  emit(pull: PullRequest, event: string, action: string, comment?: CommentHint): void;
  /** GitHub's redelivery of all that was lost, and a fresh look at every pull request. */
  redeliver(pulls: readonly PullRequest[]): void;
  /** What reaches the door now; GitHub waits for each answer. */
  take(): readonly Envelope[];
  /** The door's answer; without a 2xx GitHub calls the delivery failed. */
  answer(envelope: Envelope, ok: boolean): void;
  /** The process behind the door died: nobody answers. */
  hangUp(): void;
  nextAt(): number | null;
}

/** What a payload says of a comment; a forged one says what it likes. */
export type CommentHint = Pick<Comment, "id" | "author" | "body">;

interface Hook {
  readonly at: number;
  readonly envelope: Envelope;
}

export function createDeliveries(stage: Stage): Deliveries {
  let hooks: Hook[] = [];
  let lost: Envelope[] = [];
  let asked: Envelope[] = [];
  let sent = 0;
  const { random } = stage;
  const now = () => stage.now().getTime();
  const envelope = (event: string, payload: unknown): Envelope => {
    sent += 1;
    return { host: HOST, appId: APP_ID, guid: `guid-${String(sent).padStart(4, "0")}`, event, payload };
  };
  const late = () => now() + (stage.fault(0.15) ? random.between(0, 600_000) : random.between(0, 3_000));
  const send = (one: Envelope) => void hooks.push({ at: late(), envelope: one });
  return {
    emit(pull, event, action, comment) {
      const payload = payloadOf(pull, action, comment);
      const one = envelope(event, payload);
      if (stage.fault(0.1)) lost.push(one);
      else send(one);
      if (stage.fault(0.15)) send(one);
      if (stage.fault(0.1)) send(envelope(event, payload));
    },
    redeliver(pulls) {
      for (const one of lost) send(one);
      for (const pull of pulls) send(envelope("pull_request", payloadOf(pull, "opened")));
    },
    take() {
      const due = hooks.filter((hook) => hook.at <= now()).slice(0, AT_ONCE);
      hooks = hooks.filter((hook) => !due.includes(hook));
      asked = due.map((hook) => hook.envelope);
      return asked;
    },
    answer(one, ok) {
      asked = asked.filter((other) => other !== one);
      if (!ok) lost.push(one);
    },
    hangUp() {
      lost = [...lost, ...asked];
      asked = [];
    },
    nextAt: () => (hooks.length > 0 ? Math.min(...hooks.map((hook) => hook.at)) : null),
  };
}

function payloadOf(pull: PullRequest, action: string, comment?: CommentHint): unknown {
  const { repository, number, author } = pull;
  const about = comment
    ? { issue: { number, pull_request: {} }, comment: { ...comment, user: userOf(comment.author) } }
    : { number, pull_request: { number } };
  return {
    action,
    ...about,
    sender: userOf(comment?.author ?? author),
    repository: { id: repository.id, full_name: repository.name },
    installation: { id: INSTALLATION },
  };
}

function userOf(login: string) {
  return { login, type: login.endsWith("[bot]") ? "Bot" : "User" };
}

interface Doorway {
  readonly baton: Baton;
  readonly stage: Stage;
  readonly deliveries: Deliveries;
}

/** The HTTP door: what reaches it goes into the journal; what it cannot take is redelivered in the end. */
export function openDoor({ baton, stage, deliveries }: Doorway, journal: Journal, atMs: number): void {
  const due = () => (deliveries.nextAt() ?? Number.POSITIVE_INFINITY) <= stage.now().getTime();
  const answer = async (envelope: Envelope) => {
    const received = receive(envelope);
    if (received.kind === "invalid") throw new Error(`A payload of ours was refused: ${received.message}`);
    stage.say(`door ${envelope.guid} ${envelope.event} ${received.kind}`);
    const ok = received.kind === "ignored" || (await accepted(journal.append(received.row)));
    deliveries.answer(envelope, ok);
  };
  baton.spawn(async () => {
    await baton.turn("door", { until: atMs });
    for (;;) {
      await baton.turn("door", { ready: due });
      await Promise.all(deliveries.take().map(answer));
    }
  });
}

async function accepted(appended: Promise<void>): Promise<boolean> {
  try {
    await appended;
    return true;
  } catch {
    return false;
  }
}
