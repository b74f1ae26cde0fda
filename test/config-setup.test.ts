import { describe, expect, it } from "vitest";
import { readConfig, readSetupConfig } from "../service/config.ts";
import { needsSetup } from "../service/setup.ts";
import { problemsOf } from "./support/config-env.ts";

const GOOD = {
  AWS_REGION: "eu-central-1",
  OFFSHOOT_AWS_ACCOUNT: "123456789012",
  OFFSHOOT_STORE_URL: "postgresql://localhost/offshoot",
  OFFSHOOT_PUBLIC_URL: "https://offshoot.example",
  OFFSHOOT_SECRETS_FILE: "/var/lib/offshoot/secrets.json",
};

function problems(change: Readonly<Record<string, string | undefined>>): readonly string[] {
  return problemsOf(() => readSetupConfig({ ...GOOD, ...change }));
}

describe("the configuration of a service without an App", () => {
  it("needs everything but the App", () => {
    expect(readSetupConfig(GOOD)).toEqual({
      github: { apiUrl: "https://api.github.com", webUrl: "https://github.com", host: "github.com" },
      http: { host: "127.0.0.1", port: 8080 },
      publicUrl: "https://offshoot.example",
      log: { level: "info" },
    });
    expect(() => readConfig(GOOD)).toThrow(/3 problems/);
  });

  it("is told now what would stop the service then", () => {
    const found = problems({ OFFSHOOT_STORE_URL: undefined, OFFSHOOT_LOG_LEVEL: "loud", OFFSHOOT_PROT: "1" });
    expect(found.map((line) => line.split(":")[0])).toEqual([
      "OFFSHOOT_STORE_URL",
      "OFFSHOOT_LOG_LEVEL",
      "OFFSHOOT_PROT",
    ]);
  });

  it("must say where GitHub reaches it", () => {
    expect(problems({ OFFSHOOT_PUBLIC_URL: undefined })).toEqual([
      expect.stringMatching(/^OFFSHOOT_PUBLIC_URL: given nothing; .*GitHub reaches/),
    ]);
  });

  it.each([
    ["OFFSHOOT_SECRETS_ARN", "offshoot"],
    ["OFFSHOOT_SECRETS_ARN", "arn:aws:ssm:eu-central-1:123456789012:parameter/x"],
    ["OFFSHOOT_SECRETS_ENDPOINT", "secretsmanager"],
  ])("names %s when it is %j", (name, value) => {
    expect(problems({ [name]: value })).toEqual([expect.stringMatching(new RegExp(`^${name}: given `))]);
  });

  it("takes the code's digest, which may stand among the secrets, for no mistake", () => {
    const pairs = { OFFSHOOT_SETUP_CODE_SHA256: "0", OFFSHOOT_SETUP_CODE_EXPIRES: "1" };
    expect(problems(pairs)).toEqual([]);
  });
});

describe("a service", () => {
  it.each([
    ["is set up if it has a place for secrets and no App", { OFFSHOOT_SECRETS_FILE: "/s" }, true],
    [
      "is set up if its App's variable is empty",
      { OFFSHOOT_SECRETS_ARN: "arn", OFFSHOOT_GITHUB_APP_ID: "" },
      true,
    ],
    ["is not set up if it has an App", { OFFSHOOT_SECRETS_FILE: "/s", OFFSHOOT_GITHUB_APP_ID: "1" }, false],
    ["is told of missing variables if it has neither", {}, false],
  ])("%s", (_, env, expected) => {
    expect(needsSetup(env)).toBe(expected);
  });
});
