import type { Context } from "../../../service/handlers/context.ts";
import type { Queue } from "../../../service/handlers/ports-queue.ts";

/** A function's environment that is killed: from some call on, nothing that it asks is done, and nothing answers it. */
export interface Doomed {
  readonly context: Context;
  readonly queue: Queue;
  /** Resolves when it has died. */
  readonly died: Promise<void>;
  /** Once it has died: until what it had under way has had its effect, or none. */
  buried(): Promise<void>;
  isDead(): boolean;
}

/** What changes nothing outside: to die before it is to die after the effect before it. A lost hint is no loss. */
const READS = /^(read|find|observe|describe|inventory|identifiers|job|close|send)/;
/** Of the store only these write; a transaction is done or it is not, so it counts as one. */
const WRITES = /^(transaction|claim|claimKeys|ensureWakeups)$/;

/**
 * Asks before each call with an effect, by its name, whether it dies instead of it. Each state that the outside can be left
 * in is the one before such a call.
 */
export function doom(context: Context, queue: Queue, dies: (call: string) => boolean): Doomed {
  let isDead = false;
  const death = Promise.withResolvers<void>();
  const underWay = new Set<Promise<unknown>>();
  const never = new Promise<never>(() => {});
  const gate = <T>(name: string, isEffect: boolean, call: () => Promise<T>): Promise<T> => {
    if (isDead) return never;
    if (isEffect && dies(name)) {
      isDead = true;
      death.resolve();
      return never;
    }
    const made: Promise<T> = call().finally(() => underWay.delete(made));
    underWay.add(made);
    made.catch(() => {});
    // Also what was under way answers nobody any more.
    return made.then(
      (answer) => (isDead ? never : answer),
      (error: unknown) => (isDead ? never : Promise.reject(error)),
    );
  };
  const wrap = <Port extends object>(port: Port, what: string, isEffect: (name: string) => boolean): Port => {
    const entries = Object.entries(port).map(([name, member]: [string, unknown]) => {
      if (typeof member !== "function") return [name, member];
      const call = (...given: unknown[]) =>
        gate(`${what}.${name}`, isEffect(name), () => member.apply(port, given));
      return [name, call];
    });
    return Object.fromEntries(entries) as Port;
  };
  const isNoRead = (name: string) => !READS.test(name);
  const databases = wrap(context.databases, "databases", () => false);
  return {
    context: {
      ...context,
      store: wrap(context.store, "store", (name) => WRITES.test(name)),
      control: wrap(context.control, "control", isNoRead),
      stacks: wrap(context.stacks, "stacks", isNoRead),
      github: wrap(context.github, "github", isNoRead),
      databases: {
        ...databases,
        open: async (endpoint) => wrap(await databases.open(endpoint), "session", isNoRead),
      },
    },
    queue: wrap(queue, "queue", isNoRead),
    died: death.promise,
    async buried() {
      await Promise.allSettled(underWay);
    },
    isDead: () => isDead,
  };
}
