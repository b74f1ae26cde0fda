import { randomBytes } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import { secrets } from "../../service/adapters/secrets.ts";
import { Refused } from "../../service/domain/errors.ts";
import { PAIR, type Pairs } from "../../service/domain/setup.ts";
import type { SentDelivery } from "../../service/handlers/ports-setup.ts";
import {
  beginSetup,
  finishSetup,
  openSetup,
  proveDelivery,
  type SetupContext,
} from "../../service/handlers/setup.ts";

const MADE = {
  ...{ appId: 7, slug: "offshoot-7", clientId: "Iv1", privateKey: "a key", webhookSecret: "a secret" },
  url: "http://github.test/apps/offshoot-7",
};
const HOUR_MS = 3_600_000;

interface Scene {
  readonly context: SetupContext;
  pairs: Pairs;
  /** Somebody else writes between the read and the write. */
  race: Pairs | null;
  now: number;
  readonly lines: string[];
  readonly converted: string[];
  deliveries: SentDelivery[];
  readonly asked: string[];
}

let scene: Scene;

beforeEach(() => {
  const lines: string[] = [];
  const write = (fields: unknown, text: string) => void lines.push(`${text} ${JSON.stringify(fields)}`);
  scene = {
    ...{
      pairs: {},
      race: null,
      now: Date.UTC(2026, 10, 25),
      lines,
      converted: [],
      deliveries: [],
      asked: [],
    },
    context: {
      ...{ secrets, publicUrl: "http://offshoot.test", webUrl: "http://github.test" },
      clock: { now: () => new Date(scene.now) },
      chance: { number: Math.random, bytes: (count) => randomBytes(count) },
      log: { info: write, warn: write, error: write },
      book: {
        read: async () => ({ pairs: scene.pairs, version: JSON.stringify(scene.pairs) }),
        async replace(pairs, version) {
          if (scene.race) scene.pairs = scene.race;
          if (JSON.stringify(scene.pairs) !== version) throw new Refused("secrets_changed", "Changed.");
          scene.pairs = pairs;
        },
      },
      apps: {
        async convert(code) {
          scene.converted.push(code);
          return code.startsWith("good") && scene.converted.length === 1 ? MADE : null;
        },
        deliveries: async () => scene.deliveries,
        async redeliver(_app, id) {
          scene.asked.push(id);
        },
        grants: async () => null,
      },
    },
  };
});

const GITHUB_CODE = "good".padEnd(40, "0");

async function link(): Promise<string> {
  const opened = await openSetup(scene.context);
  return new URL(opened.link).searchParams.get("code") ?? "";
}

/** Begins, and says what GitHub sends the browser back with. */
async function begun(code: string) {
  const form = await beginSetup(scene.context, code, null);
  const state = new URL(form.action).searchParams.get("state") ?? "";
  return { state, nonce: form.nonce, code: GITHUB_CODE };
}

describe("a link", () => {
  it("leads to GitHub with a manifest of exactly what is needed", async () => {
    const code = await link();
    const form = await beginSetup(scene.context, code, null);
    expect(form.action).toMatch(/^http:\/\/github\.test\/settings\/apps\/new\?state=/);
    const manifest = JSON.parse(form.manifest);
    expect(manifest.name).toMatch(/^Offshoot [0-9a-f]{6}$/);
    expect({ ...manifest, name: null, description: null }).toEqual({
      ...{ name: null, description: null, public: false, url: "http://offshoot.test" },
      hook_attributes: { url: "http://offshoot.test/webhooks/github", active: true },
      redirect_url: "http://offshoot.test/setup/callback",
      default_permissions: {
        ...{ checks: "write", contents: "read", issues: "write", metadata: "read", pull_requests: "write" },
      },
      default_events: ["issue_comment", "pull_request", "push"],
    });
  });

  it("leads to an organization's settings, and to no other path", async () => {
    const code = await link();
    const { action } = await beginSetup(scene.context, code, "acme");
    expect(new URL(action).pathname).toBe("/organizations/acme/settings/apps/new");
    for (const organization of ["../x", "a b", "-a", ""]) {
      const refused = beginSetup(scene.context, code, organization);
      await expect(refused).rejects.toMatchObject({ reason: "invalid_request" });
    }
  });

  it("is kept as a digest only", async () => {
    const code = await link();
    expect(JSON.stringify(scene.pairs)).not.toContain(code);
    expect(scene.pairs[PAIR.codeDigest]).toBe(secrets.digest(code));
  });

  it("works as often as it is opened, until there is an App", async () => {
    const code = await link();
    await beginSetup(scene.context, code, null);
    await finishSetup(scene.context, await begun(code));
    await expect(beginSetup(scene.context, code, null)).rejects.toMatchObject({ reason: "setup_done" });
    await expect(openSetup(scene.context)).rejects.toMatchObject({ reason: "setup_done" });
  });

  it.each([
    ["a wrong code", async () => "x".repeat(43)],
    ["no code", async () => ""],
    ["the digest itself", async () => (await link()) && (scene.pairs[PAIR.codeDigest] ?? "")],
    [
      "the code before",
      async () => {
        const before = await link();
        await link();
        return before;
      },
    ],
    [
      "an expired code",
      async () => {
        const code = await link();
        scene.now += 24 * HOUR_MS;
        return code;
      },
    ],
  ])("is refused with %s", async (_, given) => {
    const code = await given();
    const refused = beginSetup(scene.context, code, null);
    await expect(refused).rejects.toMatchObject({ reason: "setup_code" });
  });
});

describe("the way back", () => {
  it("keeps the App's secrets, and neither its client secret nor the code", async () => {
    scene.pairs = { OFFSHOOT_OTHER: "stays" };
    const app = await finishSetup(scene.context, await begun(await link()));
    expect(app.slug).toBe("offshoot-7");
    expect(scene.pairs).toEqual({
      ...{ OFFSHOOT_OTHER: "stays", [PAIR.appId]: "7", [PAIR.clientId]: "Iv1" },
      ...{ [PAIR.privateKey]: "a key", [PAIR.webhookSecrets]: "a secret" },
    });
  });

  it("is refused a second time, and asks GitHub for nothing then", async () => {
    const given = await begun(await link());
    await finishSetup(scene.context, given);
    await expect(finishSetup(scene.context, given)).rejects.toMatchObject({ reason: "setup_done" });
    expect(scene.converted).toEqual([GITHUB_CODE]);
  });

  it("is refused with a code that GitHub does not know, or that can be none", async () => {
    const given = await begun(await link());
    for (const code of ["other".padEnd(40, "0"), "", "../../user"]) {
      const refused = finishSetup(scene.context, { ...given, code });
      await expect(refused).rejects.toMatchObject({ reason: "github_code" });
    }
    expect(scene.converted).toEqual(["other".padEnd(40, "0")]);
    expect(scene.pairs[PAIR.appId]).toBeUndefined();
  });

  it.each<[string, (given: { state: string; nonce: string }) => Partial<typeof given>]>([
    ["no state", () => ({ state: "" })],
    ["a changed state", ({ state }) => ({ state: state.replace(/.$/, (end) => (end === "0" ? "1" : "0")) })],
    ["a state whose end was moved", ({ state }) => ({ state: state.replace(/\.1/, ".9") })],
    ["another browser", () => ({ nonce: "0".repeat(32) })],
    ["a browser without the cookie", () => ({ nonce: "" })],
  ])("is refused with %s, before GitHub is asked", async (_, change) => {
    const given = await begun(await link());
    const refused = finishSetup(scene.context, { ...given, ...change(given) });
    await expect(refused).rejects.toMatchObject({ reason: "setup_state" });
    expect(scene.converted).toEqual([]);
  });

  it("is refused an hour after it was begun, and once the link has been replaced", async () => {
    const given = await begun(await link());
    scene.now += HOUR_MS;
    await expect(finishSetup(scene.context, given)).rejects.toMatchObject({ reason: "setup_state" });
    scene.now -= HOUR_MS;
    await link();
    await expect(finishSetup(scene.context, given)).rejects.toMatchObject({ reason: "setup_state" });
  });

  it("never overwrites the App of somebody who was faster, and says which one to delete", async () => {
    const given = await begun(await link());
    scene.race = { [PAIR.appId]: "1" };
    const refused = finishSetup(scene.context, given);
    await expect(refused).rejects.toMatchObject({
      reason: "setup_lost",
      message: expect.stringContaining(MADE.url),
    });
    expect(scene.pairs).toEqual({ [PAIR.appId]: "1" });
    expect(scene.lines.join()).not.toMatch(/a key|a secret/);
  });
});

describe("the test delivery", () => {
  const ping = {
    id: "3804004623172239366",
    event: "ping",
    redelivery: false,
    status: "Invalid HTTP Response: 401",
    statusCode: 401,
  };
  const signal = new AbortController().signal;
  const answered = (more: Partial<SentDelivery>) => {
    scene.deliveries = [ping];
    const { redeliver } = scene.context.apps;
    scene.context.apps.redeliver = async (app, id) => {
      await redeliver(app, id);
      scene.deliveries = [{ ...ping, id: "3804004623172239367", redelivery: true, ...more }, ping];
    };
  };

  it("has arrived once GitHub's second ping got a 2xx", async () => {
    answered({ status: "OK", statusCode: 204 });
    expect(await proveDelivery(scene.context, MADE, signal)).toEqual({ kind: "arrived" });
    expect(scene.asked).toEqual([ping.id]);
  });

  it("was refused if it got anything else", async () => {
    answered({ status: "Invalid HTTP Response: 401", statusCode: 401 });
    const proof = await proveDelivery(scene.context, MADE, signal);
    expect(proof).toEqual({ kind: "refused", status: "Invalid HTTP Response: 401 (401)" });
  });

  it("is unseen while GitHub tells of none", async () => {
    const { deliveries } = scene.context.apps;
    scene.context.apps.deliveries = async (app) => {
      scene.now += HOUR_MS;
      return deliveries(app);
    };
    expect(await proveDelivery(scene.context, MADE, signal)).toEqual({ kind: "unseen" });
  });

  it("is unseen if GitHub does not answer, and the set-up stands", async () => {
    scene.context.apps.deliveries = () => Promise.reject(new Error("away"));
    expect(await proveDelivery(scene.context, MADE, signal)).toEqual({ kind: "unseen" });
    expect(scene.lines).toHaveLength(1);
  });
});
