import { sign } from "@octokit/webhooks-methods";
import type { FastifyInstance } from "fastify";
import { beforeEach, describe, expect, it } from "vitest";
import { createLog } from "../../service/adapters/log.ts";
import { Refused, Retryable } from "../../service/domain/errors.ts";
import type { Proof } from "../../service/handlers/setup.ts";
import { buildApp } from "../../service/http/app.ts";
import { buildSetupApp } from "../../service/http/setup-app.ts";
import { createVerifier } from "../../service/http/signature.ts";
import { deliver } from "../support/door.ts";
import { BROWSER, formOf } from "../support/setup-walk.ts";

const SECRET = "the webhook secret that GitHub made";
const NONCE = "0123456789abcdef0123456789abcdef";
const MADE = {
  ...{ appId: 7, slug: "mine", clientId: "Iv1", privateKey: "a key", webhookSecret: SECRET },
  url: "https://github.test/apps/mine",
};

interface Scene {
  readonly app: FastifyInstance;
  readonly lines: string[];
  readonly asked: unknown[];
  proof: Proof;
  lacking: string | null;
  error: Error | null;
  done: number;
}

function openScene(publicUrl = "https://offshoot.test/live"): Scene {
  const lines: string[] = [];
  const asked: unknown[] = [];
  let known = false;
  const verify = createVerifier([SECRET]);
  const log = createLog({ level: "info", write: (line) => void lines.push(line) });
  const scene: Scene = {
    ...{ lines, asked, proof: { kind: "arrived" }, lacking: null, error: null, done: 0 },
    app: buildSetupApp({
      ...{ publicUrl, host: "github.test", log },
      verify: async (body, signature) => known && verify(body, signature),
      async begin(code, organization) {
        asked.push({ code, organization });
        if (scene.error) throw scene.error;
        const manifest = JSON.stringify({ name: 'a "quoted" <name> & more' });
        return { action: "https://github.test/settings/apps/new?state=s", manifest, nonce: NONCE };
      },
      async finish(given) {
        asked.push(given);
        if (scene.error) throw scene.error;
        known = true;
        return MADE;
      },
      prove: async () => scene.proof,
      lacking: async () => scene.lacking,
      done() {
        scene.done += 1;
      },
    }),
  };
  return scene;
}

let scene: Scene;
beforeEach(() => {
  scene = openScene();
});

const get = (url: string, headers: Record<string, string> = BROWSER) =>
  scene.app.inject({ method: "GET", url, headers });
const PING = JSON.stringify({ zen: "Keep it simple.", hook_id: 1 });

describe("the first page", () => {
  it("has a form that takes the manifest to GitHub unchanged, and may lead nowhere else", async () => {
    const answer = await get("/setup?code=abc");
    const form = formOf(answer.body, "https://offshoot.test/live/setup?code=abc", "manifest");
    expect(form.action.href).toBe("https://github.test/settings/apps/new?state=s");
    expect(JSON.parse(form.fields["manifest"] ?? "")).toEqual({ name: 'a "quoted" <name> & more' });
    expect(answer.headers["content-security-policy"]).toMatch(
      /^default-src 'none'; .*form-action 'self' https:\/\/github\.test;/,
    );
  });

  it("can be asked for an organization's App, below whatever address the service has", async () => {
    const first = await get("/setup?code=abc");
    const form = formOf(first.body, "https://offshoot.test/live/setup?code=abc", "organization");
    expect([form.action.href, form.fields["code"]]).toEqual(["https://offshoot.test/live/setup", "abc"]);
    await get("/setup?code=abc&organization=acme");
    expect(scene.asked.at(-1)).toEqual({ code: "abc", organization: "acme" });
  });

  it("is kept by nobody, and its cookie reaches the set-up alone", async () => {
    const { headers } = await get("/setup?code=abc");
    expect(headers).toMatchObject({ "cache-control": "no-store", "referrer-policy": "no-referrer" });
    expect(headers["set-cookie"]).toBe(
      `offshoot_setup=${NONCE}; Path=/live/setup; Max-Age=3600; HttpOnly; SameSite=Lax; Secure`,
    );
    scene = openScene("http://127.0.0.1:8080");
    expect((await get("/setup?code=abc")).headers["set-cookie"]).not.toMatch(/Secure/);
  });

  it("takes a parameter that is given twice, or endless, for none", async () => {
    await get("/setup?code=a&code=b");
    await get(`/setup?code=${"a".repeat(5_000)}`);
    expect(scene.asked).toEqual([
      { code: "", organization: null },
      { code: "", organization: null },
    ]);
  });
});

describe("a refusal", () => {
  it.each([
    [new Refused("setup_code", "Why <b>not</b>."), 403],
    [new Refused("setup_done", "Why <b>not</b>."), 410],
    [new Refused("invalid_request", "Why <b>not</b>."), 400],
    [new Refused("setup_lost", "Why <b>not</b>."), 502],
    [new Retryable("github_unavailable", "Why <b>not</b>."), 503],
  ])("%j is a page for browsers and a problem for programs", async (error, status) => {
    scene.error = error;
    for (const url of ["/setup?code=abc", "/setup/callback?code=c&state=s"]) {
      const page = await get(url);
      expect([page.statusCode, page.body]).toEqual([
        status,
        expect.stringContaining("Why &lt;b&gt;not&lt;/b&gt;."),
      ]);
      const problem = await get(url, {});
      expect(problem.json()).toMatchObject({ status, reason: error.reason, detail: "Why <b>not</b>." });
    }
    expect(scene.done).toBe(0);
  });

  it("that is a mistake of ours tells nothing of the inside", async () => {
    scene.error = new Error("the inside");
    const answer = await get("/setup?code=abc");
    expect([answer.statusCode, answer.json().reason]).toEqual([500, "internal"]);
    expect(answer.body).not.toContain("inside");
    expect(scene.lines.join()).not.toContain("code=abc");
  });
});

describe("the way back", () => {
  const back = "/setup/callback?code=c&state=s";

  it("hands on code, state and the browser's nonce, forgets the cookie, and is over", async () => {
    const answer = await get(back, { ...BROWSER, cookie: `other=1; offshoot_setup=${NONCE}` });
    expect(scene.asked).toEqual([{ code: "c", state: "s", nonce: NONCE }]);
    expect(answer.body).toContain('href="https://github.test/apps/mine/installations/new"');
    expect(answer.headers["set-cookie"]).toMatch(/^offshoot_setup=; .*Max-Age=0;/);
    expect(scene.done).toBe(1);
  });

  it.each<[Proof, RegExp]>([
    [{ kind: "arrived" }, /test delivery arrived here, with a good signature/],
    [{ kind: "refused", status: "timed out (504)" }, /failed: timed out \(504\)\. .*offshoot doctor/],
    [{ kind: "unseen" }, /No test delivery .* was seen yet\. .*offshoot doctor/],
  ])("says of a proof %j what to do", async (proof, text) => {
    scene.proof = proof;
    expect((await get(back)).body).toMatch(text);
  });

  it("names what the App lacks", async () => {
    scene.lacking = "The GitHub App mine lacks contents: read.";
    expect((await get(back)).body).toContain("lacks contents: read");
  });
});

describe("webhooks meanwhile", () => {
  it("are refused before there is a secret, and the ping is taken after", async () => {
    const ping = { event: "ping", secret: SECRET };
    expect((await deliver(scene.app, PING, ping)).statusCode).toBe(401);
    await get("/setup/callback?code=c&state=s");
    expect((await deliver(scene.app, PING, ping)).statusCode).toBe(204);
    const forged = { ...ping, headers: { "x-hub-signature-256": await sign("another secret", PING) } };
    expect((await deliver(scene.app, PING, forged)).statusCode).toBe(401);
  });

  it("that would have to be kept are asked for again", async () => {
    await get("/setup/callback?code=c&state=s");
    const push = { event: "push", secret: SECRET };
    const body = JSON.stringify({
      ...{ ref: "refs/heads/main", before: "0".repeat(40), after: "1".repeat(40), deleted: false },
      ...{ repository: { id: 1, full_name: "a/b" }, installation: { id: 1 }, sender: { login: "a" } },
    });
    const answer = await deliver(scene.app, body, push);
    expect([answer.statusCode, answer.json().reason]).toEqual([503, "setup_open"]);
  });
});

it("is gone from a service that is set up, whatever the code", async () => {
  const quiet = () => undefined;
  const app = buildApp({
    ...{ appId: 1, host: "github.test", verify: async () => true, nudge: { nudge: quiet } },
    journal: { append: async () => undefined },
    log: { info: quiet, warn: quiet, error: quiet },
    ready: async () => undefined,
  });
  for (const url of ["/setup?code=abc", "/setup/callback?code=c&state=s"]) {
    const page = await app.inject({ method: "GET", url, headers: BROWSER });
    expect([page.statusCode, page.body]).toEqual([410, expect.stringContaining("set up")]);
    expect((await app.inject({ method: "GET", url })).json()).toMatchObject({ reason: "setup_done" });
  }
});
