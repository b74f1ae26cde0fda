import { type ExecutionEnvironment, type FunctionSetup, startEnvironment } from "./environment.ts";

/** A function that scales as Lambda does: an invocation takes an idle environment, or a new one, up to the bound. */
export interface LambdaFunction {
  invoke(event: unknown): Promise<unknown>;
  /** Kills every environment, as when a host of Lambda dies; the next invocation starts a new one. */
  killAll(): Promise<void>;
}

export function createFunction(setup: FunctionSetup, concurrency: number): LambdaFunction {
  const environments = new Set<ExecutionEnvironment>();
  const waiting: (() => void)[] = [];
  const busy = new Set<ExecutionEnvironment>();
  let starting = 0;

  async function take(): Promise<ExecutionEnvironment> {
    for (;;) {
      for (const one of environments) if (one.isGone) environments.delete(one);
      const idle = [...environments].find((one) => one.isIdle() && !busy.has(one));
      if (idle) return idle;
      if (environments.size + starting < concurrency) {
        starting += 1;
        try {
          const one = await startEnvironment(setup);
          environments.add(one);
          return one;
        } finally {
          starting -= 1;
        }
      }
      await Promise.race([
        new Promise<void>((resolve) => waiting.push(resolve)),
        ...[...environments].filter((one) => !busy.has(one)).map((one) => one.frozen()),
      ]);
    }
  }

  return {
    async invoke(event) {
      const one = await take();
      busy.add(one);
      try {
        return await one.invoke(event);
      } finally {
        busy.delete(one);
        waiting.shift()?.();
      }
    },
    async killAll() {
      await Promise.all([...environments].map((one) => one.kill()));
    },
  };
}
