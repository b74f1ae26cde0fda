import { type ExecutionEnvironment, type FunctionSetup, startEnvironment } from "./environment.ts";

/** A function that scales as Lambda does: an invocation takes an idle environment, or a new one, up to the bound. */
export interface LambdaFunction {
  invoke(event: unknown): Promise<unknown>;
  /** The processes of all environments that were started, those that have ended included. */
  pids(): readonly number[];
  /** Kills every environment, as when a host of Lambda dies; the next invocation starts a new one. */
  killAll(): Promise<void>;
}

export function createFunction(setup: FunctionSetup, concurrency: number): LambdaFunction {
  const environments = new Set<ExecutionEnvironment>();
  const busy = new Set<ExecutionEnvironment>();
  const pids: number[] = [];
  let starting = 0;
  let released = Promise.withResolvers<void>();

  /** One that nobody else is given until it is released. */
  async function take(): Promise<ExecutionEnvironment> {
    for (;;) {
      for (const one of environments) if (one.isGone) environments.delete(one);
      const free = [...environments].filter((one) => !busy.has(one));
      const idle = free.find((one) => one.isIdle());
      if (idle) {
        busy.add(idle);
        return idle;
      }
      if (environments.size + starting < concurrency) return start();
      await Promise.race([released.promise, ...free.map((one) => one.frozen())]);
    }
  }

  async function start(): Promise<ExecutionEnvironment> {
    starting += 1;
    try {
      const one = await startEnvironment(setup);
      pids.push(one.pid);
      environments.add(one);
      busy.add(one);
      return one;
    } finally {
      starting -= 1;
    }
  }

  return {
    async invoke(event) {
      const one = await take();
      try {
        return await one.invoke(event);
      } finally {
        busy.delete(one);
        released.resolve();
        released = Promise.withResolvers();
      }
    },
    pids: () => pids,
    async killAll() {
      await Promise.all([...environments].map((one) => one.kill()));
    },
  };
}
