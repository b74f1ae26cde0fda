import { randomUUID } from "node:crypto";
import { Webhooks } from "@octokit/webhooks";
import { notFound } from "./api-error.ts";
import type { Schemas } from "./bodies-repository.ts";
import { APP_ID, HOOK_ID, INSTALLATION_ID } from "./state.ts";

/** GitHub closes the connection after 10 s and does not try again. (best-practices-for-using-webhooks) */
const TIMEOUT_MS = 10_000;
/** Deliveries kept, and characters kept of each answer; GitHub keeps three days. */
const DELIVERIES_MAX = 500;
const ANSWER_CHARACTERS = 10_000;
/** Ids grow with time and have more digits than a number holds, as GitHub's since February 2026. (octokit/request.js#797) */
const IDS_PER_MS = 2_000_000n;

export interface DeliveryOptions {
  /** Where webhooks go, and what signs them; every attempt asks anew. */
  target(): { readonly url: string | undefined; readonly secret: string };
  /** Called after each delivery, with the name of its event. */
  done(name: string): void;
}

export interface Event {
  readonly name: string;
  /** Null where the event has no actions. */
  readonly action: string | null;
  /** Null for what is about the App itself. */
  readonly repositoryId: number | null;
  readonly payload: Record<string, unknown>;
}

export type Delivery = Omit<Schemas["hook-delivery"], "id"> & {
  /** Digits. The first member, so that it can be told as a number: see routes-deliveries.ts. */
  readonly id: string;
};
export type Deliveries = ReturnType<typeof createDeliveries>;

interface Attempt {
  readonly id: string;
  readonly guid: string;
  readonly event: Event;
  readonly redelivery: boolean;
}

interface Outcome {
  readonly status: string;
  readonly status_code: number;
  readonly response: Delivery["response"];
}

/** Sends signed webhooks, each once, and keeps what became of them. */
export function createDeliveries({ target, done }: DeliveryOptions) {
  const sent = new Map<string, { readonly event: Event; readonly delivery: Delivery }>();
  const pending = new Set<Promise<void>>();
  const closing = new AbortController();
  let lastId = BigInt(Date.now()) * IDS_PER_MS;

  const deliver = async (attempt: Attempt): Promise<void> => {
    const { id, guid, event, redelivery } = attempt;
    const body = JSON.stringify(event.payload);
    const [at, startedAt] = [new Date(), performance.now()];
    const { url, secret } = target();
    const headers = headersOf(event, guid, await new Webhooks({ secret }).sign(body));
    const { status, status_code, response } = await post(url, body, headers, closing.signal);
    const delivery: Delivery = {
      // With milliseconds, unlike other times of the API, and older than what is listed before a slow one has ended.
      ...{ id, guid, delivered_at: at.toISOString(), redelivery, status, status_code },
      duration: Math.round(performance.now() - startedAt) / 1000,
      ...{ event: event.name, action: event.action, throttled_at: null, url: url ?? "" },
      installation_id: event.repositoryId === null ? null : INSTALLATION_ID,
      repository_id: event.repositoryId,
      ...{ request: { headers: { ...headers }, payload: event.payload }, response },
    };
    sent.set(id, { event, delivery });
    for (const old of [...sent.keys()].slice(0, -DELIVERIES_MAX)) sent.delete(old);
    done(event.name);
  };
  const start = (guid: string, event: Event, redelivery: boolean): void => {
    lastId += 1n;
    const work = deliver({ id: String(lastId), guid, event, redelivery }).finally(() => pending.delete(work));
    pending.add(work);
  };
  const find = (id: string) => {
    const found = sent.get(id);
    if (!found) throw notFound();
    return found;
  };

  return {
    /** Starts one delivery; what becomes of it is in the list. */
    send: (event: Event): void => start(randomUUID(), event, false),
    /** Sends the same body with the same GUID once more. Throws 404. */
    redeliver(id: string): void {
      const { event, delivery } = find(id);
      start(delivery.guid, event, true);
    },
    get: (id: string): Delivery => find(id).delivery,
    /** The newest first. */
    list: (): readonly Delivery[] =>
      [...sent.values()]
        .map(({ delivery }) => delivery)
        .sort((one, other) => Number(BigInt(other.id) - BigInt(one.id))),
    /** Cuts what is under way. */
    async close(): Promise<void> {
      closing.abort();
      await Promise.all(pending);
    },
  };
}

function headersOf({ name }: Event, guid: string, signature: string): Record<string, string> {
  return {
    accept: "*/*",
    "content-type": "application/json",
    "user-agent": "GitHub-Hookshot/0ff5007",
    "x-github-delivery": guid,
    "x-github-event": name,
    "x-github-hook-id": String(HOOK_ID),
    "x-github-hook-installation-target-id": String(APP_ID),
    "x-github-hook-installation-target-type": "integration",
    "x-hub-signature-256": signature,
  };
}

async function post(
  url: string | undefined,
  body: string,
  headers: Record<string, string>,
  closing: AbortSignal,
): Promise<Outcome> {
  const none = { headers: null, payload: null };
  if (url === undefined) return { status: "failed to connect to host", status_code: 502, response: none };
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  try {
    const signal = AbortSignal.any([timeout, closing]);
    const answer = await fetch(url, { method: "POST", body, headers, signal, redirect: "manual" });
    const payload = (await answer.text()).slice(0, ANSWER_CHARACTERS);
    const status = answer.ok ? "OK" : `Invalid HTTP Response: ${answer.status}`;
    const response = { headers: Object.fromEntries(answer.headers), payload };
    return { status, status_code: answer.status, response };
  } catch {
    if (timeout.aborted) return { status: "timed out", status_code: 504, response: none };
    return { status: "failed to connect to host", status_code: 502, response: none };
  }
}
