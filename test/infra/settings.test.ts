import { describe, expect, it } from "vitest";
import { readSettings } from "../../infra/settings.ts";
import { problemsOf } from "../support/config-env.ts";

const ACCESS =
  '[{"repositories":["acme/*"],"iamRole":"arn:aws:iam::123456789012:role/dev","databaseRole":"app"}]';
const files: Readonly<Record<string, string>> = { "/access.json": `${ACCESS}\n` };
const readFile = (path: string) => files[path] ?? "";

function problems(env: Readonly<Record<string, string>>): readonly string[] {
  return problemsOf(() => readSettings(env, readFile));
}

describe("a deployment", () => {
  it("needs no variable at all", () => {
    expect(readSettings({}, readFile)).toMatchObject({
      stackName: "offshoot",
      account: null,
      kinds: ["preview", "tenant"],
      serviceEnv: {},
      concurrency: { webhook: 20, http: 20, wake: 10 },
      kmsKeyArn: null,
      stackPrefix: null,
    });
  });

  it("passes the operator's own variables to the functions, without those of the deployment and the command line", () => {
    const own = { OFFSHOOT_IDLE_HOURS: "24", OFFSHOOT_EXTRA_TAGS: "team=data" };
    const others = {
      OFFSHOOT_ALARM_EMAIL: "ops@example.com",
      OFFSHOOT_URL: "https://x",
      OFFSHOOT_KEY: "k",
      HOME: "/",
    };
    const settings = readSettings({ ...own, ...others }, readFile);
    expect(settings.serviceEnv).toEqual(own);
    expect(settings.extraTags).toEqual({ team: "data" });
  });

  it("takes the text of the access list along, in the place of its path", () => {
    const { serviceEnv } = readSettings({ OFFSHOOT_ACCESS_FILE: "/access.json" }, readFile);
    expect(serviceEnv).toEqual({ OFFSHOOT_ACCESS: ACCESS });
  });

  it("tells all problems at once", () => {
    const wrong = {
      OFFSHOOT_KINDS: "both",
      OFFSHOOT_IDLE_HOURS: "no",
      OFFSHOOT_LIMTS: "3",
      OFFSHOOT_PORT: "80",
    };
    expect(problems(wrong)).toEqual([
      expect.stringMatching(/^OFFSHOOT_KINDS: .*preview,tenant/),
      expect.stringMatching(/^OFFSHOOT_PORT: .*no meaning on AWS Lambda/),
      expect.stringMatching(/^OFFSHOOT_IDLE_HOURS: /),
      expect.stringMatching(/^OFFSHOOT_LIMTS: .*misspelt/),
    ]);
  });

  it.each(["OFFSHOOT_GITHUB_PRIVATE_KEY", "OFFSHOOT_GITHUB_WEBHOOK_SECRETS"])(
    "keeps %s out of variables",
    (name) => {
      const found = problems({ [name]: "a very secret text of mine" });
      expect(found).toEqual([expect.stringMatching(/belongs in the stack's secret/)]);
      expect(found.join()).not.toContain("very secret");
    },
  );

  it.each(["OFFSHOOT_STORE_URL", "OFFSHOOT_STORE_ROLE", "OFFSHOOT_TOKEN_ROLE_ARN", "OFFSHOOT_QUEUE_URL"])(
    "fills in %s itself",
    (name) => {
      expect(problems({ [name]: "x" })).toEqual([expect.stringMatching(/the stack fills it in/)]);
    },
  );

  it("refuses more than Lambda takes, and says what to shorten", () => {
    const rule = (i: number) => JSON.stringify({ ...JSON.parse(ACCESS)[0], repositories: [`acme/${i}`] });
    const list = `[${Array.from({ length: 40 }, (_, i) => rule(i)).join(",")}]`;
    expect(problems({ OFFSHOOT_ACCESS: list })).toEqual([
      expect.stringMatching(/4 KB.*shorten OFFSHOOT_ACCESS/),
    ]);
  });
});
