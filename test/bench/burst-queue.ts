import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse, request as send } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { type FauxqsServer, startFauxqs } from "fauxqs";

export const REGION = "us-east-1";
/** As infra has them: six times the function's time, and five tries. */
const ATTRIBUTES = { VisibilityTimeout: "720" };
const RECEIVES_MAX = 5;
/** How long a message waits for the answer to its delivery: less than its three tries take, and far more than needed. */
const HOLD_MS = 8_000;

/** fauxqs behind a door that counts the messages of deliveries, and takes each only after its delivery was answered. */
export interface BurstQueue {
  readonly url: string;
  /** Where the functions send to. */
  readonly endpoint: string;
  /** fauxqs itself. */
  readonly direct: string;
  readonly told: Told;
  /** Messages that are ready or in flight, and that nobody could take. */
  left(): { readonly open: number; readonly dead: number };
  /** Tells that the delivery of this key was answered. */
  answered(key: string): void;
  stop(): Promise<void>;
}

/** The calls of SendMessageBatch by who takes deliveries. */
export interface Told {
  readonly calls: number;
  /** The same once more, because it had no answer in time. */
  readonly repeated: number;
  /** Those whose delivery had no answer while they were held: its answer may have waited for them. */
  readonly waited: number;
}

/** In: the access key that calls of the function are signed with whose messages are of deliveries. */
export async function startBurstQueue(accessKey: string): Promise<BurstQueue> {
  const fauxqs = await startFauxqs({ port: 0, logger: false });
  const { queueArn } = fauxqs.createQueue("dead", { region: REGION });
  const redrive = JSON.stringify({ deadLetterTargetArn: queueArn, maxReceiveCount: RECEIVES_MAX });
  const attributes = { ...ATTRIBUTES, RedrivePolicy: redrive };
  const { queueUrl } = fauxqs.createQueue("wake", { region: REGION, attributes });
  const answers = createAnswers();
  const known = new Set<string>();
  const told = { calls: 0, repeated: 0, waited: 0 };
  const take = async (text: string) => {
    told.calls += 1;
    if (known.has(text)) told.repeated += 1;
    known.add(text);
    if (!(await answers.until(keysOf(text)))) told.waited += 1;
  };
  const server = createServer(async (request, response) => {
    const body = await buffer(request);
    const { authorization, "x-amz-target": target } = request.headers;
    const isOfDeliveries = authorization?.includes(`Credential=${accessKey}/`);
    if (isOfDeliveries && target === "AmazonSQS.SendMessageBatch") await take(body.toString());
    pass(fauxqs.port, request, body, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    ...{ url: queueUrl, told, answered: answers.tell },
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    direct: `http://127.0.0.1:${fauxqs.port}`,
    left: () => leftIn(fauxqs),
    async stop() {
      server.close();
      server.closeAllConnections();
      await fauxqs.stop();
    },
  };
}

function pass(
  port: number,
  { method, url, headers }: IncomingMessage,
  body: Buffer,
  to: ServerResponse,
): void {
  const forward = send({ host: "127.0.0.1", port, method, path: url, headers }, (answer) => {
    to.writeHead(answer.statusCode ?? 500, answer.headers);
    answer.pipe(to);
  });
  forward.once("error", () => to.destroy());
  forward.end(body);
}

function keysOf(text: string): readonly string[] {
  const { Entries } = JSON.parse(text) as { readonly Entries: { readonly MessageBody: string }[] };
  return Entries.map(({ MessageBody }) => (JSON.parse(MessageBody) as { readonly key: string }).key);
}

function leftIn(fauxqs: FauxqsServer): ReturnType<BurstQueue["left"]> {
  const messages = (name: string) => fauxqs.inspectQueue(name)?.messages;
  const wake = messages("wake");
  const open = (wake?.ready.length ?? 0) + (wake?.inflight.length ?? 0);
  return { open, dead: messages("dead")?.ready.length ?? 0 };
}

/** Which deliveries were answered, and who waits to hear of them. */
function createAnswers() {
  const answers = new Map<string, PromiseWithResolvers<true>>();
  const answer = (key: string) => {
    const one = answers.get(key) ?? Promise.withResolvers<true>();
    answers.set(key, one);
    return one;
  };
  return {
    tell: (key: string) => answer(key).resolve(true),
    /** Whether all were answered within HOLD_MS. */
    async until(keys: readonly string[]): Promise<boolean> {
      const timer = Promise.withResolvers<false>();
      const timeout = setTimeout(() => timer.resolve(false), HOLD_MS);
      const all = Promise.all(keys.map((key) => answer(key).promise));
      const answered = await Promise.race([all, timer.promise]);
      clearTimeout(timeout);
      return answered !== false;
    },
  };
}
