import { chmod, chown, mkdir, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { postgresAccount } from "./account.ts";
import type { Engine, Instance } from "./engine.ts";
import { stopOrphan } from "./postmaster.ts";

export interface InstancesOptions {
  engine: Engine;
  directory: string;
  /** A cluster without connections is stopped after this long; the next connection starts it again in about 15 ms. */
  idleStopMs: number;
}

/** A cluster's Postgres, held awake until `release`. */
export interface Hold {
  socketPath: string;
  release(): void;
}

export type Instances = Awaited<ReturnType<typeof openInstances>>;

interface Slot {
  started: Promise<Instance>;
  /** True from the moment that Postgres answers until it has ended. */
  running: boolean;
  connections: number;
  idleTimer: NodeJS.Timeout | undefined;
}

/**
 * One Postgres per cluster, started by the first connection. In: the clusters that exist; directories of others are removed,
 * and what a killed process left running is stopped.
 */
export async function openInstances(options: InstancesOptions, existing: readonly string[]) {
  const root = join(options.directory, "clusters");
  await mkdir(root, { recursive: true, mode: 0o700 });
  await admitPostgres([options.directory, root]);
  await sweep(root, existing);
  const { slots, start, stop, stopAll } = makeSlots((name) =>
    options.engine.start({ directory: join(root, name) }),
  );

  return {
    /** Starts the cluster's Postgres if it sleeps. Throws when it cannot start. */
    async hold(identifier: string): Promise<Hold> {
      const slot = slots.get(identifier) ?? start(identifier);
      clearTimeout(slot.idleTimer);
      slot.connections += 1;
      let held = true;
      const release = (): void => {
        if (!held) return;
        held = false;
        slot.connections -= 1;
        if (slot.connections > 0 || slots.get(identifier) !== slot) return;
        slot.idleTimer = setTimeout(() => void stop(identifier), options.idleStopMs).unref();
      };
      try {
        const { socketDirectory, port } = await slot.started;
        return { socketPath: join(socketDirectory, `.s.PGSQL.${port}`), release };
      } catch (error) {
        release();
        throw error;
      }
    },

    activity(identifier: string): { running: boolean; connections: number } {
      const slot = slots.get(identifier);
      return { running: slot?.running ?? false, connections: slot?.connections ?? 0 };
    },

    /** Ends the cluster's sessions and drops its data. Idempotent. */
    async remove(identifier: string): Promise<void> {
      await stop(identifier);
      await rm(join(root, identifier), { recursive: true, force: true });
    },

    /** Stops every Postgres; the data stay. */
    close: stopAll,
  };
}

/** Stands for the instances of a process that starts none; data that others left are only dropped with their cluster. */
export function noInstances(directory: string): Instances {
  return {
    hold: () => Promise.reject(new Error("this process was started with --no-engines")),
    activity: () => ({ running: false, connections: 0 }),
    remove: (identifier) => rm(join(directory, "clusters", identifier), { recursive: true, force: true }),
    close: () => Promise.resolve(),
  };
}

/** Which instances run, or are on their way up or down. */
function makeSlots(startInstance: (identifier: string) => Promise<Instance>) {
  const slots = new Map<string, Slot>();
  const endings = new Map<string, Promise<void>>();

  /** A cluster that is called again while its Postgres ends gets a new one afterwards. */
  const start = (identifier: string): Slot => {
    const started = (endings.get(identifier) ?? Promise.resolve()).then(() => startInstance(identifier));
    const slot: Slot = { started, running: false, connections: 0, idleTimer: undefined };
    slots.set(identifier, slot);
    const forget = (): void => {
      slot.running = false;
      if (slots.get(identifier) === slot) slots.delete(identifier);
    };
    started.then((instance) => {
      slot.running = true;
      void instance.ended.then(forget);
    }, forget);
    return slot;
  };
  const stop = (identifier: string): Promise<void> => {
    const slot = slots.get(identifier);
    if (!slot) return endings.get(identifier) ?? Promise.resolve();
    slots.delete(identifier);
    clearTimeout(slot.idleTimer);
    const ending = slot.started
      .then((instance) => instance.stop(), ignore)
      .finally(() => endings.delete(identifier));
    endings.set(identifier, ending);
    return ending;
  };
  const stopAll = async (): Promise<void> => {
    await Promise.all([...slots.keys(), ...endings.keys()].map(stop));
  };
  return { slots, start, stop, stopAll };
}

/** Whoever waited for the start was told why it failed. */
function ignore(): void {}

/** Postgres must be able to pass through our own directories, whose files stay closed to it. */
async function admitPostgres(directories: readonly string[]): Promise<void> {
  const account = postgresAccount();
  if (!account) return;
  for (const directory of directories) {
    const { uid, mode } = await stat(directory);
    await chown(directory, uid, account.gid);
    await chmod(directory, (mode & 0o7777) | 0o010);
  }
}

async function sweep(root: string, existing: readonly string[]): Promise<void> {
  for (const name of await readdir(root)) {
    await stopOrphan(join(root, name, "data"));
    if (!existing.includes(name)) await rm(join(root, name), { recursive: true, force: true });
  }
}
