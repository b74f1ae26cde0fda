import { createHmac } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeDeliveries } from "./deliveries.ts";
import { generateLoad } from "./load.ts";

const SECRET = "the secret of this test";
const seen: { guid: string; signed: boolean; bytes: number }[] = [];
let status = 202;

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const body = Buffer.concat(chunks);
    const signature = `sha256=${createHmac("sha256", SECRET).update(body).digest("hex")}`;
    const guid = String(request.headers["x-github-delivery"]);
    seen.push({ guid, signed: request.headers["x-hub-signature-256"] === signature, bytes: body.length });
    response.writeHead(status).end("answered");
  });
});

beforeAll(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve)));
afterAll(() => new Promise((resolve) => server.close(resolve)));

const round = () => ({ port: (server.address() as AddressInfo).port, connections: 4, ms: 100 });

describe("the load generator", () => {
  it("counts what the server counted: signed deliveries of 24 KB, each with its own guid", async () => {
    const load = await generateLoad(round(), makeDeliveries(SECRET));
    expect(load.requests).toBe(seen.length);
    expect(load.requests).toBeGreaterThan(4);
    expect(new Set(seen.map((one) => one.guid)).size).toBe(seen.length);
    expect(seen.filter((one) => !one.signed || one.bytes !== 24 * 1024)).toEqual([]);
  });

  it("refuses to count an answer that is not a 2xx", async () => {
    status = 503;
    await expect(generateLoad(round(), makeDeliveries(SECRET))).rejects.toThrow("503");
  });
});
