import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { SQSClient } from "@aws-sdk/client-sqs";
import { type FunctionName, functionFile, nodeOptions } from "../../infra/bundles.ts";
import { freePort, launch } from "../../local/demo/process.ts";
import { LOCAL_CREDENTIALS, SERVICE_NODE_ARGS, SERVICE_PROCESS_ENV } from "../../local/demo/stack.ts";
import { type FunctionSetup, startEnvironment } from "../support/lambda/environment.ts";
import { startEventSource } from "../support/lambda/event-source.ts";
import { startGateway } from "../support/lambda/gateway.ts";
import { createFunction } from "../support/lambda/pool.ts";
import { type BurstQueue, REGION, startBurstQueue } from "./burst-queue.ts";
import { cpuMs } from "./process-cpu.ts";

/** What takes the burst: where its webhooks go, and what it has cost so far. */
export interface Side {
  readonly port: number;
  cpuMs(): number;
  /** Hears of each delivery that was answered, by the key of its pull request. */
  answered(key: string): void;
  /** Whether nothing is under way between its parts. */
  isQuiet(): boolean;
  stop(): Promise<void>;
}

export interface SideStart {
  readonly env: Readonly<Record<string, string>>;
  readonly directory: string;
}

/** The service as one process, as `npm start` starts it. */
export async function startServerSide({ env, directory }: SideStart): Promise<Side> {
  const port = await freePort();
  const server = await launch(
    {
      script: "service/main.ts",
      nodeArgs: SERVICE_NODE_ARGS,
      env: { ...env, ...SERVICE_PROCESS_ENV, OFFSHOOT_PORT: String(port) },
      logFile: join(directory, "server.log"),
    },
    (line) => (line["msg"] === "listening" ? true : null),
  );
  return {
    ...{ port, cpuMs: () => cpuMs(server.pid), stop: server.stop },
    ...{ answered: () => {}, isQuiet: () => true },
  };
}

/** As infra has them. */
const TIMEOUT_MS: Readonly<Record<FunctionKind, number>> = { webhook: 10_000, wake: 120_000, tick: 120_000 };
const TICK_MS = 60_000;
type FunctionKind = Extract<FunctionName, "webhook" | "wake" | "tick">;

export interface FunctionsSide extends Side {
  readonly queue: BurstQueue;
  /** What the environments of one function have cost, and how many there are. */
  costs(name: FunctionKind): { readonly cpuMs: number; readonly environments: number };
  /** What a new environment costs until it is frozen after its first event. */
  coldStartMs(name: keyof typeof FIRST_EVENTS): Promise<number>;
}

/** The functions, `concurrency` environments of webhook and of wake at most, with their gateway, queue and schedule. */
export async function startFunctionsSide(
  { env, directory }: SideStart,
  bundles: string,
  concurrency: number,
): Promise<FunctionsSide> {
  const queue = await startBurstQueue("webhook");
  const log = createWriteStream(join(directory, "functions.log"), { flags: "a" });
  // Both outputs of each environment are piped into it.
  log.setMaxListeners(0);
  const setup = (name: FunctionKind): FunctionSetup => ({
    file: functionFile(name, bundles),
    env: {
      ...env,
      ...{ OFFSHOOT_QUEUE_URL: queue.url, OFFSHOOT_SQS_ENDPOINT: queue.endpoint },
      // As infra has it; and who sends a message is told by its signature.
      ...{ NODE_OPTIONS: nodeOptions(name), AWS_ACCESS_KEY_ID: name },
    },
    timeoutMs: TIMEOUT_MS[name],
    log,
  });
  const functions = {
    webhook: createFunction(setup("webhook"), concurrency),
    wake: createFunction(setup("wake"), concurrency),
    tick: createFunction(setup("tick"), 1),
  };
  const port = await freePort();
  const gateway = await startGateway(port, { webhook: functions.webhook, http: functions.webhook });
  const sqs = new SQSClient({ region: REGION, endpoint: queue.direct, credentials: LOCAL_CREDENTIALS });
  const source = startEventSource(sqs, queue.url, functions.wake, concurrency);
  const schedule = setInterval(() => void functions.tick.invoke({}).catch(() => {}), TICK_MS);
  const costs = (name: FunctionKind) => {
    const pids = functions[name].pids();
    return { cpuMs: pids.reduce((sum, pid) => sum + cpuMs(pid), 0), environments: pids.length };
  };
  return {
    ...{ port, queue, costs },
    cpuMs: () => costs("webhook").cpuMs + costs("wake").cpuMs + costs("tick").cpuMs,
    answered: queue.answered,
    isQuiet: () => queue.left().open === 0,
    coldStartMs: (name) => measureColdStart(setup(name), FIRST_EVENTS[name]),
    async stop() {
      clearInterval(schedule);
      await source.stop();
      sqs.destroy();
      gateway.close();
      gateway.closeAllConnections();
      for (const one of Object.values(functions)) await one.killAll();
      await queue.stop();
      log.end();
    },
  };
}

/** Each is answered without an effect. */
const FIRST_EVENTS = {
  webhook: { headers: {}, requestContext: { requestId: "r", http: { method: "POST" } } },
  wake: { Records: [] },
};

async function measureColdStart(setup: FunctionSetup, event: object): Promise<number> {
  const one = await startEnvironment(setup);
  try {
    await one.invoke(event);
    await one.frozen();
    return cpuMs(one.pid);
  } finally {
    await one.kill();
  }
}
