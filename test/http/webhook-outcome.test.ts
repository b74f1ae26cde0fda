import { once } from "node:events";
import { connect } from "node:net";
import { describe, expect, it } from "vitest";
import { Retryable } from "../../service/domain/errors.ts";
import type { DeliveryRow } from "../../service/handlers/ports.ts";
import { buildDoor, deliver } from "../support/door.ts";
import { pullPayload } from "../support/payloads.ts";

const PULL = JSON.stringify(pullPayload());
const busy = { append: () => Promise.reject(new Retryable("store_busy", "Too many deliveries wait.")) };

describe("after the journal", () => {
  it("the worker is told, once the delivery is durable and not before", async () => {
    const written: DeliveryRow[] = [];
    const told: number[] = [];
    const door = buildDoor({
      append: async (row) => {
        told.push(door.nudges());
        written.push(row);
      },
    });
    await deliver(door.app, PULL);
    expect([told, door.nudges(), written.length]).toEqual([[0], 1, 1]);
  });

  it("a busy store is a 503 that says when to try again, and tells nobody to work", async () => {
    const door = buildDoor(busy);
    const answer = await deliver(door.app, PULL);
    expect([answer.statusCode, answer.headers["retry-after"]]).toEqual([503, "5"]);
    expect(answer.json()).toMatchObject({ reason: "store_busy" });
    expect(door.nudges()).toBe(0);
  });
});

describe("the log has one line for each delivery", () => {
  const line = async (journal: Parameters<typeof buildDoor>[0], body: string, headers = {}) => {
    const door = buildDoor(journal);
    await deliver(door.app, body, { guid: "guid-1", headers });
    expect(door.lines).toHaveLength(1);
    return JSON.parse(String(door.lines[0]));
  };
  const works = { append: async () => {} };

  it("that was accepted, with its pull request", async () => {
    expect(await line(works, PULL)).toMatchObject({
      delivery: "guid-1",
      event: "pull_request",
      action: "opened",
      owner: "pull:github.test:77:42",
      outcome: "accepted",
      durationMs: expect.any(Number),
    });
  });

  it("that was ignored, with the reason", async () => {
    const body = JSON.stringify(pullPayload({ action: "labeled" }));
    expect(await line(works, body)).toMatchObject({ outcome: "ignored", reason: "action" });
  });

  it("that was refused, without repeating a header of odd form", async () => {
    const refused = await line(works, PULL, { "x-github-event": "Ignore all this" });
    expect(refused).toMatchObject({ outcome: "refused", reason: "header", status: 400 });
    expect(JSON.stringify(refused)).not.toMatch(/Ignore all/);
  });

  it("that could not be stored", async () => {
    expect(await line(busy, PULL)).toMatchObject({ outcome: "unavailable", reason: "store_busy" });
  });
});

describe("a connection that breaks in the middle of a body", () => {
  it("writes nothing and hurts nobody else", async () => {
    const written: DeliveryRow[] = [];
    const { app } = buildDoor({ append: async (row) => void written.push(row) });
    const address = await app.listen({ host: "127.0.0.1", port: 0 });
    const socket = connect(Number(new URL(address).port), "127.0.0.1");
    await once(socket, "connect");
    const headers = [
      "POST /webhooks/github HTTP/1.1",
      "Host: x",
      "Content-Type: application/json",
      "Content-Length: 1000",
    ];
    const names = ["X-GitHub-Event: pull_request", "X-GitHub-Delivery: g", "X-Hub-Signature-256: sha256=0"];
    socket.write(`${[...headers, ...names].join("\r\n")}\r\n\r\n{"action":`);
    socket.resetAndDestroy();
    await once(socket, "close");
    expect((await fetch(`${address}/healthz`)).status).toBe(200);
    await app.close();
    expect(written).toEqual([]);
  });
});
