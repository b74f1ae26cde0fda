import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { afterEach, expect, it } from "vitest";
import { createQueue } from "../../service/adapters/queue.ts";
import { HINT_DELAY_MS } from "../../service/domain/limits.ts";
import type { Hint } from "../../service/handlers/ports-queue.ts";
import { createAfterResponse } from "../../service/lambda/after-response.ts";
import { announceLater } from "../../service/lambda/announce-later.ts";

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** SQS, which is asked and answers only when it is told to; and Lambda's Extensions API, on the same port. */
async function startHeldQueue() {
  const asked: { readonly action: string; readonly entries: number; readonly response: ServerResponse }[] =
    [];
  const heard: (() => void)[] = [];
  const nexts: ServerResponse[] = [];
  const server = createServer(async (request, response) => {
    const { "x-amz-target": target } = request.headers;
    if (request.url?.endsWith("/register")) {
      response.writeHead(200, { "lambda-extension-identifier": "x" }).end("{}");
    } else if (request.url?.endsWith("/next")) nexts.push(response);
    else {
      const { Entries } = (await json(request)) as { readonly Entries: readonly unknown[] };
      asked.push({ action: String(target), entries: Entries.length, response });
    }
    for (const hear of heard.splice(0)) hear();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const until = async (holds: () => boolean) => {
    while (!holds()) await new Promise<void>((resolve) => heard.push(resolve));
  };
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, asked, nexts, until };
}

async function start() {
  const held = await startHeldQueue();
  const queue = createQueue({
    region: "us-east-1",
    credentials: async () => ({ accessKeyId: "local", secretAccessKey: "local" }),
    url: `http://${held.address}/000000000000/wake`,
  });
  const warnings: string[] = [];
  const log = {
    info: () => {},
    warn: (_: object, text: string) => void warnings.push(text),
    error: () => {},
  };
  const after = await createAfterResponse(held.address, () => {});
  await held.until(() => held.nexts.length === 1);
  return { ...held, after, warnings, announce: announceLater(queue, after, log) };
}

const hints = (count: number, afterMs = 0): readonly Hint[] =>
  Array.from({ length: count }, (_, index) => ({
    ...{ topic: "intake", key: `pull:github.test:1:${index + 1}` },
    dueAt: new Date(Date.now() + afterMs),
  }));

it("a commit is told of by one SendMessageBatch, which the answer does not wait for and the freeze does", async () => {
  const { after, announce, asked, nexts, until } = await start();
  nexts[0]?.end("{}");
  const answer = await after.during(async () => {
    announce(hints(10));
    return "202";
  });
  expect(answer).toBe("202");
  await until(() => asked.length > 0);
  expect(asked.map(({ action, entries }) => [action, entries])).toEqual([["AmazonSQS.SendMessageBatch", 10]]);
  expect(nexts).toHaveLength(1);
  asked[0]?.response.end('{"Successful":[]}');
  await until(() => nexts.length === 2);
});

it("what is due too late for a message is not told", async () => {
  const { after, announce, asked, nexts, until } = await start();
  nexts[0]?.end("{}");
  await after.during(async () => announce(hints(1, HINT_DELAY_MS + 60_000)));
  await until(() => nexts.length === 2);
  expect(asked).toEqual([]);
});

it("a queue that refuses is a warning and nothing else", async () => {
  const { after, announce, asked, nexts, until, warnings } = await start();
  nexts[0]?.end("{}");
  await after.during(async () => announce(hints(1)));
  await until(() => asked.length > 0);
  asked[0]?.response.writeHead(400).end('{"__type":"QueueDoesNotExist"}');
  await until(() => nexts.length === 2);
  expect(warnings).toEqual(["the queue could not be told"]);
});
