import { secrets } from "../../service/adapters/secrets.ts";
import type { Caller } from "../../service/domain/caller.ts";
import type { MigrationFile } from "../../service/domain/migration.ts";
import type { ApiHandlers, TenantPut, Write } from "../../service/handlers/api-types.ts";
import { FAILING } from "./databases.ts";
import { Broken, type Stage } from "./stage.ts";

const KEYS = ["acme", "bolt"];
const CALLER: Caller = {
  kind: "key",
  id: "key_saas",
  name: "saas",
  scopes: ["admin"],
  selector: null,
  expiresAt: null,
};
const EVERY = { owner: null, id: null, repository: null, number: null, gitBranch: null };

/** One wish of the SaaS back end. It is sent until it has an answer, perhaps twice at once, and perhaps again much later. */
export interface Request {
  readonly name: string;
  /** Of whom it speaks; null for a list, or for a preview. */
  readonly customer: string | null;
  send(api: ApiHandlers): Promise<unknown>;
  /** What its effect does to what the back end may expect. */
  expect(before: Expected, event: string): Expected;
}

/** What must be so when everything has come to rest, by what was done in the order in which it was committed. */
export interface Expected {
  readonly wanted: "present" | "absent";
  readonly labels: Readonly<Record<string, string>>;
  readonly digest: string;
}

const NOTHING: Expected = { wanted: "absent", labels: {}, digest: "" };

/** A SaaS back end that has a database made for each of its customers, over a network that loses and doubles. */
export interface Customers {
  /** When a request reaches the API next; null if none is on its way. */
  nextAt(): number | null;
  isBusy(): boolean;
  take(task: string): Request | null;
  /** Without an answer it is sent again, with the same key. */
  answer(task: string, answered: boolean): void;
  /** The process that had it has died. */
  hangUp(task: string): void;
  /** The process has committed these lines of history. Throws Broken if its request had an effect before. */
  committed(task: string, events: readonly string[]): void;
  /** The files that were ever put, by their digest; of the empty one none. */
  filesAt(digest: string): readonly MigrationFile[];
  /** By customer, whoever was ever made. */
  readonly expected: ReadonlyMap<string, Expected>;
}

export function createCustomers(stage: Stage): Customers {
  const { random } = stage;
  const now = () => stage.now().getTime();
  const make = createRequests(stage);
  const queue: { readonly at: number; readonly request: Request }[] = [];
  const held = new Map<string, Request>();
  const done = new Map<Request, number>();
  const expected = new Map<string, Expected>();
  // Half of all lives have customers.
  let left = random.happens(0.5) ? random.between(3, 9) : 0;
  let next = now() + random.between(0, 60_000);
  const send = (request: Request, inMs: number) => void queue.push({ at: now() + inMs, request });
  const nextAt = () => {
    const times = [...queue.map(({ at }) => at), ...(left > 0 ? [next] : [])];
    return times.length > 0 ? Math.min(...times) : null;
  };
  const wish = () => {
    left -= 1;
    const request = make.next();
    next = now() + (make.isToUndo() ? random.between(1_000, 500_000) : gapMs(stage));
    send(request, 0);
    if (stage.fault(0.3)) send(request, random.between(0, 40));
    if (stage.fault(0.1)) send(request, random.between(0, 600_000));
  };
  return {
    nextAt,
    isBusy: () => held.size > 0 || queue.length > 0,
    take(task) {
      if (left > 0 && next <= now()) wish();
      const at = queue.findIndex((one) => one.at <= now());
      const [taken] = at < 0 ? [] : queue.splice(at, 1);
      if (!taken) return null;
      held.set(task, taken.request);
      return taken.request;
    },
    answer(task, answered) {
      const request = held.get(task);
      held.delete(task);
      if (request && !answered) send(request, random.between(100, 5_000));
    },
    hangUp(task) {
      const request = held.get(task);
      held.delete(task);
      if (request) send(request, random.between(100, 5_000));
    },
    committed(task, events) {
      const request = held.get(task);
      if (!request || events.length === 0) return;
      const effects = (done.get(request) ?? 0) + events.length;
      done.set(request, effects);
      if (effects > 1) {
        throw stage.fail(new Broken("repeat", `${request.name} had ${effects} effects, now ${events}`));
      }
      const { customer } = request;
      if (customer === null) return;
      for (const event of events) {
        expected.set(customer, request.expect(expected.get(customer) ?? NOTHING, event));
      }
    },
    filesAt: make.filesAt,
    expected,
  };
}

function gapMs({ random }: Stage): number {
  const kind = random.number();
  if (kind < 0.3) return random.between(0, 2_000);
  if (kind < 0.85) return random.between(40_000, 400_000);
  return random.between(200_000, 40 * 60_000);
}

/** The requests that the back end thinks of, each with an Idempotency-Key of its own. */
function createRequests(stage: Stage) {
  const { random } = stage;
  const plans = new Map<string, readonly MigrationFile[]>([["", []]]);
  const files = new Map<string, readonly MigrationFile[]>();
  const known = new Set<string>();
  let count = 0;
  const write = (digest: string): Write => ({
    caller: CALLER,
    repeat: { key: `request-${count}`, digest },
  });
  const make = (
    verb: string,
    customer: string | null,
    send: (api: ApiHandlers, asked: Write) => Promise<unknown>,
    expect: Request["expect"] = (before) => before,
  ): Request => {
    count += 1;
    const asked = write(`${verb} ${customer} ${count}`);
    return { name: `${count} ${verb} ${customer ?? ""}`, customer, send: (api) => send(api, asked), expect };
  };
  const put = (key: string): Request => {
    known.add(key);
    const labels = random.happens(0.5) ? { plan: random.pick(["free", "paid"]) } : null;
    const body: TenantPut = { ...(labels ? { labels } : {}), protected: random.happens(0.1) };
    return make(
      "put",
      key,
      (api, asked) => api.putTenant(asked, key, body, null),
      (before, event) =>
        event === "tenant_created"
          ? { wanted: "present", labels: labels ?? {}, digest: "" }
          : { ...before, labels: labels ?? before.labels },
    );
  };
  const patch = (key: string): Request => {
    const tier = random.pick(["gold", null]);
    const body = { labels: { tier }, protected: random.happens(0.1) };
    return make(
      "patch",
      key,
      (api, asked) => api.patchTenant(asked, key, body, null),
      (before) => {
        const { tier: _, ...others } = before.labels;
        return { ...before, labels: tier === null ? others : { ...others, tier } };
      },
    );
  };
  const migrate = (key: string): Request => {
    const changed = changedFiles(stage, key, files.get(key) ?? []);
    files.set(key, changed);
    const digest = secrets.digest(JSON.stringify(changed));
    plans.set(digest, changed);
    const sent = changed.map(({ path, text }) => ({ path, sql: text }));
    return make(
      "migrate",
      key,
      (api, asked) => api.migrateTenant(asked, key, { files: sent }),
      (before) => ({ ...before, digest }),
    );
  };
  const remove = (key: string) =>
    make(
      "delete",
      key,
      (api, asked) => api.deleteTenant(asked, key, null),
      (before) => ({ ...before, wanted: "absent" }),
    );
  const restore = (key: string) =>
    make(
      "restore",
      key,
      (api, asked) => api.restoreTenant(asked, key),
      (before) => ({ ...before, wanted: "present" }),
    );
  const list = () =>
    make("list", null, async (api) => {
      const { items } = await api.listTenants(CALLER, { labels: {}, limit: 50, cursor: null });
      const foreign = items.find(({ owner }) => owner.kind !== "tenant" || !KEYS.includes(owner.key ?? ""));
      if (foreign) throw stage.fail(new Broken("list", `${foreign.id} is no customer`));
      for (const { owner } of items) await api.getTenant(CALLER, owner.key ?? "");
    });
  /** Begins one of the previews anew. */
  const reset = () => {
    const chance = random.number();
    return make("reset", null, async (api, asked) => {
      const filter = { ...EVERY, owner: "pull", labels: {}, limit: 50, cursor: null } as const;
      const { items } = await api.listEnvironments(CALLER, filter);
      const one = items[Math.floor(chance * items.length)];
      if (one) await api.resetEnvironment(asked, one.id);
    });
  };
  const verbs = [put, put, migrate, migrate, migrate, patch, remove, remove, remove, restore];
  /** What is often asked of the same customer next, as by somebody who made a mistake. */
  let then: (() => Request) | null = null;
  return {
    filesAt: (digest: string) => plans.get(digest) ?? [],
    isToUndo: () => then !== null,
    next(): Request {
      if (count === 0) return put("acme");
      const undo = then;
      then = null;
      if (undo && random.happens(0.7)) return undo();
      const kind = random.number();
      if (kind < 0.08) return list();
      if (kind < 0.14) return reset();
      const verb = random.pick(verbs);
      const key = random.pick(["acme", "acme", "bolt"]);
      if (!known.has(key)) return put(key);
      then = verb === remove ? () => restore(key) : verb === restore ? () => remove(key) : null;
      return verb(key);
    },
  };
}

/** Mostly a further file; sometimes the same again, one that fails, or one that was applied before and is changed. */
function changedFiles(
  { random }: Stage,
  key: string,
  before: readonly MigrationFile[],
): readonly MigrationFile[] {
  const sound = before.filter(({ text }) => !text.includes(FAILING));
  const kind = random.number();
  const path = `${String(sound.length + 1).padStart(3, "0")}.sql`;
  const verb = random.happens(0.2) ? "create index" : "create table";
  const line = `${verb} /* tenant:${key}; */ t${random.between(0, 1e9)} (id int)\n`;
  if (kind < 0.15 && before.length > 0) return before;
  if (kind < 0.25) return [...sound, { path, text: `select ${FAILING}() /* tenant:${key}; */\n` }];
  if (kind < 0.3 && sound.length > 0) return [...sound.slice(0, -1), { path: "changed.sql", text: line }];
  return [...sound, { path, text: line }];
}
