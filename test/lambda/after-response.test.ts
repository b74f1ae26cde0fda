import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { createAfterResponse } from "../../service/lambda/after-response.ts";

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** Lambda's Extensions API: tells of invocations, and counts how often it was asked for the next one. */
async function startApi(respond: { readonly registerStatus?: number; readonly nextStatus?: number } = {}) {
  const asked: ServerResponse[] = [];
  let count = 0;
  let heard = Promise.withResolvers<void>();
  const server = createServer((request: IncomingMessage, response) => {
    if (String(request.url).endsWith("/register")) {
      response.writeHead(respond.registerStatus ?? 200, { "lambda-extension-identifier": "x" }).end("{}");
      return;
    }
    count += 1;
    if (respond.nextStatus) response.writeHead(respond.nextStatus).end();
    else asked.push(response);
    heard.resolve();
    heard = Promise.withResolvers();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    count: () => count,
    async askedTimes(times: number) {
      while (count < times) await heard.promise;
    },
    tell: () => void asked.shift()?.end('{"eventType":"INVOKE"}'),
  };
}

describe("work after the response", () => {
  it("does not hold up the response, but holds up the freeze until it is done", async () => {
    const api = await startApi();
    const after = await createAfterResponse(api.address, () => {});
    await api.askedTimes(1);
    const work = Promise.withResolvers<void>();
    api.tell();
    const answer = await after.during(async () => {
      after.add(work.promise);
      return "202";
    });
    expect(answer).toBe("202");
    // Whatever is under way gets its chance: the extension must still not have asked for more.
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(api.count()).toBe(1);
    work.resolve();
    await api.askedTimes(2);
  });

  it("is waited for when Lambda tells of the invocation only after the handler has answered", async () => {
    const api = await startApi();
    const after = await createAfterResponse(api.address, () => {});
    await api.askedTimes(1);
    await after.during(async () => after.add(Promise.resolve()));
    api.tell();
    await api.askedTimes(2);
  });

  it("that fails, or a handler that fails, ends the invocation all the same", async () => {
    const api = await startApi();
    const after = await createAfterResponse(api.address, () => {});
    await api.askedTimes(1);
    api.tell();
    const failing = after.during(async () => {
      after.add(Promise.reject(new Error("queue away")));
      throw new Error("handler");
    });
    await expect(failing).rejects.toThrow("handler");
    await api.askedTimes(2);
  });

  it.each([
    ["there is no such API", undefined],
    ["Lambda refuses the extension", 403],
  ])("is waited for by the handler itself if %s", async (_why, registerStatus) => {
    const api = registerStatus ? await startApi({ registerStatus }) : null;
    const after = await createAfterResponse(api?.address, () => {});
    const order: string[] = [];
    await after.during(async () => {
      after.add(new Promise<void>((resolve) => setTimeout(resolve, 20)).then(() => void order.push("work")));
      order.push("handler");
    });
    expect(order).toEqual(["handler", "work"]);
  });

  it("ends the process when Lambda takes no more questions, rather than holding up every invocation", async () => {
    const api = await startApi({ nextStatus: 500 });
    const broken = Promise.withResolvers<void>();
    await createAfterResponse(api.address, broken.resolve);
    await broken.promise;
    expect(api.count()).toBe(3);
  });
});
