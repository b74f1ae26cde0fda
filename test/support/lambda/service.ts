import { createWriteStream } from "node:fs";
import { SQSClient } from "@aws-sdk/client-sqs";
import { type FauxqsServer, startFauxqs } from "fauxqs";
import { type FunctionName, functionFile } from "../../../infra/bundles.ts";
import type { Running } from "../../../local/demo/process.ts";
import { LOCAL_CREDENTIALS, type ServiceStart } from "../../../local/demo/stack.ts";
import { buildFunctions } from "../../../scripts/build-functions.ts";
import { startEventSource } from "./event-source.ts";
import { startGateway } from "./gateway.ts";
import { createFunction } from "./pool.ts";

/** The schedule's minute, shortened: a tick finds what no message told of. */
const TICK_MS = 1_000;
/** As infra has them: a step begins only with a whole lease left, and the rest of the time is for more steps. */
const TIMEOUT_MS = 20_000;
/** Environments of the function that works on messages, and pollers of the queue. */
const WORKERS = 4;
const REGION = "us-east-1";

/** The service as Lambda runs it, behind its own gateway, queue and schedule. */
export interface LambdaService extends Running<unknown> {
  /** Has the queues `wake` and `dead`. */
  readonly queue: FauxqsServer;
}

export interface LambdaServiceOptions {
  /** Where the bundles are; see buildFunctions. */
  readonly bundles: string;
  /** More variables of each function, such as credentials of its own role. */
  readonly functionEnv?: (name: FunctionName) => Readonly<Record<string, string>>;
  /** Between two ticks, and before the first. */
  readonly tickMs?: number;
}

/** Builds the bundles below `directory`. */
export async function buildBundles(directory: string): Promise<string> {
  await buildFunctions(directory);
  return directory;
}

/** Starts queue, gateway, event source and schedule. For `runService` of a stack. */
export async function startLambdaService(
  { env, port, logFile }: ServiceStart,
  { bundles, functionEnv = () => ({}), tickMs = TICK_MS }: LambdaServiceOptions,
): Promise<LambdaService> {
  const queue = await startFauxqs({ port: 0, logger: false });
  const { queueArn } = queue.createQueue("dead", { region: REGION });
  const redrive = JSON.stringify({ deadLetterTargetArn: queueArn, maxReceiveCount: 3 });
  // AWS wants no less than the function's time; what is handed back is found by a tick before.
  const attributes = { VisibilityTimeout: String(TIMEOUT_MS / 1000), RedrivePolicy: redrive };
  const { queueUrl } = queue.createQueue("wake", { region: REGION, attributes });
  const endpoint = `http://127.0.0.1:${queue.port}`;
  const log = createWriteStream(logFile, { flags: "a" });
  const variables = { ...env, OFFSHOOT_QUEUE_URL: queueUrl, OFFSHOOT_SQS_ENDPOINT: endpoint };
  const make = (name: FunctionName, concurrency: number) => {
    const file = functionFile(name, bundles);
    return createFunction(
      { file, env: { ...variables, ...functionEnv(name) }, timeoutMs: TIMEOUT_MS, log },
      concurrency,
    );
  };
  const functions = {
    webhook: make("webhook", 4),
    http: make("http", 2),
    wake: make("wake", WORKERS),
    tick: make("tick", 1),
  };
  const gateway = await startGateway(port, functions);
  const sqs = new SQSClient({ region: REGION, endpoint, credentials: LOCAL_CREDENTIALS });
  const source = startEventSource(sqs, queueUrl, functions.wake, WORKERS);
  const schedule = setInterval(() => void functions.tick.invoke({}).catch(() => {}), tickMs);
  const ended = Promise.withResolvers<void>();
  const stop = async () => {
    clearInterval(schedule);
    gateway.close();
    gateway.closeAllConnections();
    await source.stop();
    sqs.destroy();
    for (const one of Object.values(functions)) await one.killAll();
    await queue.stop();
    log.end();
    ended.resolve();
  };
  return { pid: process.pid, ready: {}, ended: ended.promise, stop, kill: stop, queue };
}
