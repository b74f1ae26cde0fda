import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { describeVariables, readConfig, readStoreConfig } from "../service/config.ts";
import { GOOD, PEM, problems, ROLE_ARN, readFile } from "./support/config-env.ts";

describe("the configuration", () => {
  it("needs six variables and has defaults for the rest", () => {
    const config = readConfig(GOOD, readFile);
    expect(config.limits).toMatchObject({
      clusterQuota: 20,
      slotReserve: 2,
      maxClusters: 18,
      environmentsPerAuthor: 3,
    });
    expect(config.github).toMatchObject({ host: "github.com", apiUrl: "https://api.github.com" });
    expect(config.migrations.directory).toBe("migrations");
  });

  it("takes OIDC tokens of GitHub Actions for its own address, unless GitHub is another one", () => {
    expect(readConfig(GOOD, readFile).api).toEqual({
      publicUrl: "http://127.0.0.1:8080",
      githubClientId: null,
      oidcIssuers: ["https://token.actions.githubusercontent.com"],
      trustedProxies: [],
    });
    const own = { ...GOOD, OFFSHOOT_GITHUB_WEB_URL: "https://git.corp" };
    expect(readConfig(own, readFile).api.oidcIssuers).toEqual([]);
    const two = {
      ...GOOD,
      OFFSHOOT_OIDC_ISSUERS: "https://git.corp/_services/token,http://127.0.0.1:1/_actions",
    };
    expect(readConfig(two, readFile).api.oidcIssuers).toHaveLength(2);
  });

  it("believes the proxies that it is told of", () => {
    const given = { ...GOOD, OFFSHOOT_TRUSTED_PROXIES: "10.0.0.0/8, 192.0.2.7,2001:db8::/32" };
    expect(readConfig(given, readFile).api.trustedProxies).toEqual([
      ...["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"],
    ]);
  });

  it("ignores what its environment has for the command line", () => {
    expect(problems({ OFFSHOOT_URL: "https://offshoot.example", OFFSHOOT_KEY: "osk_secret" })).toEqual([]);
  });

  it("is frozen to its depth", () => {
    expect(Object.isFrozen(readConfig(GOOD, readFile).limits)).toBe(true);
  });

  it("takes a key on one line, a key file, several secrets and a store on DSQL", () => {
    const config = readConfig(
      {
        ...GOOD,
        OFFSHOOT_GITHUB_PRIVATE_KEY: PEM.replaceAll("\n", "\\n"),
        OFFSHOOT_GITHUB_WEBHOOK_SECRETS: "0123456789abcdef, fedcba9876543210",
        OFFSHOOT_STORE_URL: `dsql://${"a".repeat(26)}.dsql.eu-central-1.on.aws`,
        OFFSHOOT_DSQL_CONNECT_TO: "127.0.0.1:5432",
        OFFSHOOT_DSQL_CA_FILE: "/ca.pem",
      },
      readFile,
    );
    expect(config.github.privateKey).toBe(PEM);
    expect(config.github.webhookSecrets).toEqual(["0123456789abcdef", "fedcba9876543210"]);
    const host = `${"a".repeat(26)}.dsql.eu-central-1.on.aws`;
    expect(config.store).toEqual({ kind: "dsql", host, role: "admin", iamRoles: [] });
    expect(config.aws.connectTo).toEqual({ address: "127.0.0.1", port: 5432, caFile: "/ca.pem" });
    expect(
      problems({ OFFSHOOT_GITHUB_PRIVATE_KEY: undefined, OFFSHOOT_GITHUB_PRIVATE_KEY_FILE: "/app.pem" }),
    ).toEqual([]);
  });

  it("lets nobody in besides admin, signs no tokens and keeps no parameters, unless it is told to", () => {
    const none = { rules: [], tokenRoleArn: null, stsEndpoint: null, ssmEndpoint: null };
    expect(readConfig(GOOD, readFile).access).toEqual({ ...none, parameterPrefix: null });
    const given = {
      OFFSHOOT_ACCESS_FILE: "/access.json",
      OFFSHOOT_TOKEN_ROLE_ARN: ROLE_ARN,
      OFFSHOOT_STS_ENDPOINT: "http://127.0.0.1:1/",
      OFFSHOOT_PARAMETER_PREFIX: "/offshoot",
    };
    expect(readConfig({ ...GOOD, ...given }, readFile).access).toEqual({
      rules: [
        {
          ...{ repositories: ["acme/*"], tenants: null },
          ...{ iamRole: "arn:aws:iam::123456789012:role/dev", databaseRole: "app" },
        },
      ],
      ...{ tokenRoleArn: ROLE_ARN, stsEndpoint: "http://127.0.0.1:1", ssmEndpoint: null },
      parameterPrefix: "/offshoot",
    });
  });

  it("tells every problem of the access list, with its rule, and never repeats the list", () => {
    const rule = { tenants: { plan: "gold" }, iamRole: ROLE_ARN, databaseRole: "app" };
    const list = [rule, { ...rule, iamRole: "secret-arn" }, { ...rule, databaseRole: "admin", extra: 1 }];
    const found = problems({ OFFSHOOT_ACCESS: JSON.stringify(list) });
    expect(found).toEqual([
      expect.stringMatching(/^OFFSHOOT_ACCESS: given a text of \d+ characters; .*; rule 2: iamRole must be/),
      expect.stringMatching(/rule 3: "extra" is not known/),
      expect.stringMatching(/rule 3: databaseRole must be/),
    ]);
    expect(found.join()).not.toContain("secret-arn");
  });

  it("lets the role that signs tokens be nothing but the reader", () => {
    const rule = (databaseRole: string) => [{ tenants: "*", iamRole: ROLE_ARN, databaseRole }];
    const given = (databaseRole: string) => ({
      OFFSHOOT_TOKEN_ROLE_ARN: ROLE_ARN,
      OFFSHOOT_ACCESS: JSON.stringify(rule(databaseRole)),
    });
    expect(problems(given("offshoot_reader"))).toEqual([]);
    expect(problems(given("app"))).toEqual([
      expect.stringMatching(/^OFFSHOOT_TOKEN_ROLE_ARN: .*offshoot_reader only/),
    ]);
  });

  it("takes a signing role of customers' databases besides the other one, with the same rule", () => {
    const role = { OFFSHOOT_TENANT_TOKEN_ROLE_ARN: `${ROLE_ARN}-tenants` };
    expect(problems(role)).toEqual([expect.stringMatching(/^OFFSHOOT_TOKEN_ROLE_ARN: given nothing/)]);
    const both = { ...role, OFFSHOOT_TOKEN_ROLE_ARN: ROLE_ARN };
    expect(readConfig({ ...GOOD, ...both }, readFile).access).toMatchObject({
      tokenRoleArn: ROLE_ARN,
      tenantTokenRoleArn: `${ROLE_ARN}-tenants`,
    });
    const list = [{ tenants: "*", iamRole: `${ROLE_ARN}-tenants`, databaseRole: "app" }];
    expect(problems({ ...both, OFFSHOOT_ACCESS: JSON.stringify(list) })).toEqual([
      expect.stringMatching(/^OFFSHOOT_TENANT_TOKEN_ROLE_ARN: .*offshoot_reader only/),
    ]);
  });

  it("takes the access list from one place", () => {
    const found = problems({ OFFSHOOT_ACCESS: "[]", OFFSHOOT_ACCESS_FILE: "/access.json" });
    expect(found).toEqual([expect.stringMatching(/^OFFSHOOT_ACCESS_FILE: given a value; expected nothing/)]);
  });

  it("keeps the epoch in one place outside the store, or nowhere", () => {
    expect(readConfig(GOOD, readFile).epoch).toBeNull();
    const file = { OFFSHOOT_EPOCH_FILE: "/var/lib/offshoot/epoch" };
    expect(readConfig({ ...GOOD, ...file }, readFile).epoch).toEqual({
      kind: "file",
      path: file.OFFSHOOT_EPOCH_FILE,
    });
    const parameter = { OFFSHOOT_EPOCH_PARAMETER: "/offshoot-epoch/main" };
    expect(readConfig({ ...GOOD, ...parameter }, readFile).epoch).toEqual({
      ...{ kind: "parameter", name: "/offshoot-epoch/main", endpoint: null },
    });
    expect(problems({ ...file, ...parameter })).toEqual([
      expect.stringMatching(/^OFFSHOOT_EPOCH_FILE: given a value; expected nothing/),
    ]);
  });

  it("tells a wrong variable once, however many parts read it", () => {
    const both = { OFFSHOOT_EPOCH_PARAMETER: "/offshoot-epoch/main", OFFSHOOT_SSM_ENDPOINT: "ftp://ssm" };
    expect(problems(both)).toEqual([expect.stringMatching(/^OFFSHOOT_SSM_ENDPOINT: given "ftp:/)]);
  });

  it("reports all problems at once", () => {
    const found = problems({ AWS_REGION: "here", OFFSHOOT_PORT: "-1", OFFSHOOT_GITHUB_APP_ID: undefined });
    expect(found.map((line) => line.split(":")[0])).toEqual([
      "AWS_REGION",
      "OFFSHOOT_GITHUB_APP_ID",
      "OFFSHOOT_PORT",
    ]);
  });

  it.each(Object.keys(GOOD))("names %s when it is missing", (name) => {
    expect(problems({ [name]: undefined })).toEqual([
      expect.stringMatching(new RegExp(`^${name}: given nothing; expected `)),
    ]);
  });

  it.each([
    ["AWS_REGION", "frankfurt"],
    ["OFFSHOOT_AWS_ACCOUNT", "12345"],
    ["OFFSHOOT_STORE_URL", "mysql://localhost/x"],
    ["OFFSHOOT_STORE_URL", "dsql://localhost"],
    ["OFFSHOOT_DSQL_ENDPOINT", "localhost:80"],
    ["OFFSHOOT_GITHUB_APP_ID", "0"],
    ["OFFSHOOT_GITHUB_APP_ID", "offshoot"],
    ["OFFSHOOT_GITHUB_PRIVATE_KEY", "not a key"],
    ["OFFSHOOT_GITHUB_PRIVATE_KEY_FILE", "/missing.pem"],
    ["OFFSHOOT_GITHUB_PRIVATE_KEY_FILE", "/not.pem"],
    ["OFFSHOOT_GITHUB_WEBHOOK_SECRETS", "short"],
    ["OFFSHOOT_GITHUB_WEBHOOK_SECRETS", "0123456789abcdef,"],
    ["OFFSHOOT_GITHUB_API_URL", "api.github.com"],
    ["OFFSHOOT_GITHUB_WEB_URL", "ftp://github.com"],
    ["OFFSHOOT_GITHUB_WEB_URL", "http://[::1]:8080"],
    ["OFFSHOOT_HOST", "two words"],
    ["OFFSHOOT_PORT", "70000"],
    ["OFFSHOOT_PORT", "http"],
    ["OFFSHOOT_MAX_CLUSTERS", "many"],
    ["OFFSHOOT_CLUSTER_QUOTA", "0"],
    ["OFFSHOOT_SLOT_RESERVE", "-1"],
    ["OFFSHOOT_ENVIRONMENTS_PER_AUTHOR", "0"],
    ["OFFSHOOT_ENVIRONMENTS_PER_REPOSITORY", "1.5"],
    ["OFFSHOOT_IDLE_HOURS", "0"],
    ["OFFSHOOT_LEASE_SECONDS", "0"],
    ["OFFSHOOT_MIGRATIONS_DIRECTORY", "../elsewhere"],
    ["OFFSHOOT_MIGRATIONS_DIRECTORY", "/absolute"],
    ["OFFSHOOT_CONNECT_COMMAND", "run; rm -rf /"],
    ["OFFSHOOT_CONNECT_ENVIRONMENT", "A=$(id)"],
    ["OFFSHOOT_LOG_LEVEL", "loud"],
    ["OFFSHOOT_PUBLIC_URL", "db.example.com"],
    ["OFFSHOOT_PUBLIC_URL", "https://db.example.com/?x=1"],
    ["OFFSHOOT_GITHUB_CLIENT_ID", "two words"],
    ["OFFSHOOT_OIDC_ISSUERS", "token.actions.githubusercontent.com"],
    ["OFFSHOOT_OIDC_ISSUERS", "https://user:secret@issuer"],
    ["OFFSHOOT_OIDC_ISSUERS", "https://issuer/"],
    ["OFFSHOOT_TRUSTED_PROXIES", "the load balancer"],
    ["OFFSHOOT_TRUSTED_PROXIES", "10.0.0.0/33"],
    ["OFFSHOOT_TRUSTED_PROXIES", "0.0.0.0/0"],
    ["OFFSHOOT_TRUSTED_PROXIES", "10.0.0.1,,10.0.0.2"],
    ["OFFSHOOT_TRUSTED_PROXIES", "fe80::1%eth0"],
    ["OFFSHOOT_TOKEN_ROLE_ARN", "offshoot-token"],
    ["OFFSHOOT_TOKEN_ROLE_ARN", "arn:aws:iam::123456789012:user/somebody"],
    ["OFFSHOOT_STS_ENDPOINT", "sts.amazonaws.com"],
    ["OFFSHOOT_SSM_ENDPOINT", "ftp://ssm"],
    ["OFFSHOOT_EPOCH_PARAMETER", "offshoot/epoch"],
    ["OFFSHOOT_EPOCH_PARAMETER", "/aws/epoch"],
    ["OFFSHOOT_PARAMETER_PREFIX", "offshoot"],
    ["OFFSHOOT_PARAMETER_PREFIX", "/aws/offshoot"],
    ["OFFSHOOT_ACCESS", "acme/*"],
    ["OFFSHOOT_ACCESS", "{}"],
    ["OFFSHOOT_ACCESS", "[{}]"],
    ["OFFSHOOT_ACCESS_FILE", "/missing.json"],
    ["OFFSHOOT_ACCESS_FILE", "/access-wrong.json"],
  ])("names %s when it is %j", (name, value) => {
    const found = problems({ [name]: value });
    expect(found.length).toBeGreaterThan(0);
    expect(found.every((line) => line.startsWith(`${name}: given `))).toBe(true);
  });

  it.each([
    ["OFFSHOOT_DSQL_CA_FILE", { OFFSHOOT_DSQL_CONNECT_TO: "127.0.0.1:1" }],
    ["OFFSHOOT_DSQL_CONNECT_TO", { OFFSHOOT_DSQL_CA_FILE: "/ca.pem" }],
    ["OFFSHOOT_DSQL_CA_FILE", { OFFSHOOT_DSQL_CONNECT_TO: "127.0.0.1:1", OFFSHOOT_DSQL_CA_FILE: "/not.pem" }],
    [
      "OFFSHOOT_DSQL_CA_FILE",
      { OFFSHOOT_DSQL_CONNECT_TO: "127.0.0.1:1", OFFSHOOT_DSQL_CA_FILE: "/garbled.pem" },
    ],
    [
      "OFFSHOOT_DSQL_CONNECT_TO",
      { OFFSHOOT_DSQL_CONNECT_TO: "127.0.0.1:99999", OFFSHOOT_DSQL_CA_FILE: "/ca.pem" },
    ],
  ])("names %s when its pair does not fit", (name, change) => {
    expect(problems(change)).toEqual([expect.stringMatching(new RegExp(`^${name}: `))]);
  });

  it("calls a misspelt variable of ours a problem", () => {
    expect(problems({ OFFSHOOT_PROT: "80" })).toEqual([expect.stringMatching(/^OFFSHOOT_PROT: .*misspelt/)]);
  });

  it("never repeats a secret", () => {
    const secret = "hunter2hunter2";
    const found = problems({
      OFFSHOOT_STORE_URL: `mysql://u:${secret}@h/x`,
      OFFSHOOT_GITHUB_PRIVATE_KEY: secret,
      OFFSHOOT_GITHUB_WEBHOOK_SECRETS: secret,
    });
    expect(found).toHaveLength(3);
    expect(found.join("\n")).not.toContain(secret);
  });

  it("never repeats a key that was put into the variable of its file", () => {
    const found = problems({ OFFSHOOT_GITHUB_PRIVATE_KEY_FILE: PEM });
    expect(found.join("\n")).toContain(`a PEM text of ${PEM.trim().length} characters`);
    expect(found.join("\n")).not.toContain("BEGIN");
  });

  it("describes every variable with what is expected and what holds without it", () => {
    const variables = describeVariables();
    expect(variables.filter((v) => v.fallback === null).map((v) => v.name)).toEqual(Object.keys(GOOD));
    expect(variables).toContainEqual({
      name: "OFFSHOOT_IDLE_HOURS",
      expected: "a whole number from 1 to 8760",
      fallback: "72",
    });
  });

  it("asks the command line for what reaches the store only", () => {
    const { AWS_REGION, OFFSHOOT_AWS_ACCOUNT, OFFSHOOT_STORE_URL } = GOOD;
    expect(
      readStoreConfig({ AWS_REGION, OFFSHOOT_AWS_ACCOUNT, OFFSHOOT_STORE_URL }, readFile).store.kind,
    ).toBe("postgres");
    expect(() => readStoreConfig({ AWS_REGION }, readFile)).toThrow(/2 problems/);
  });

  it("has every variable in the README's table", () => {
    const readme = readFileSync(join(import.meta.dirname, "..", "README.md"), "utf8");
    const names = describeVariables().map((variable) => variable.name);
    expect(names.filter((name) => !readme.includes(`\`${name}\``))).toEqual([]);
    expect(names.length).toBeGreaterThan(20);
  });
});
