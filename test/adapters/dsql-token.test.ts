import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createTokenSigner, type TokenSignerOptions } from "../../service/adapters/dsql-token.ts";
import { assume, LOCAL, policyOf, rejection, roleArn, temporaryDirectory } from "../local/dsql/clients.ts";
import { type LocalDsql, startLocalDsql } from "../support/local-dsql.ts";

const IDENTIFIER = "a".repeat(26);
const CLUSTER = {
  arn: `arn:aws:dsql:us-east-1:000000000000:cluster/${IDENTIFIER}`,
  endpoint: `${IDENTIFIER}.dsql.us-east-1.on.aws`,
};
const READER = { ...CLUSTER, user: "offshoot_reader", seconds: 900 };
const SKEW_MS = 5_000;

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let local: LocalDsql;
let signers: ReturnType<typeof createTokenSigner>[] = [];

beforeAll(async () => {
  directory = await temporaryDirectory();
  local = await startLocalDsql({ directory: directory.path, flags: { "no-engines": true } });
});
afterEach(async () => {
  for (const signer of signers) signer.close();
  signers = [];
  await fetch(`${local.ready.controlUrl}/_local/faults`, { method: "DELETE" });
});
afterAll(async () => {
  await local.stop();
  await directory.remove();
});

function signerWith(change: Partial<TokenSignerOptions> = {}) {
  const { region, neighboursUrl: endpoint } = local.ready;
  const common = { region, endpoint, credentials: async () => LOCAL, roleArn: roleArn("offshoot-token") };
  const signer = createTokenSigner({ ...common, ...change });
  signers.push(signer);
  return signer;
}

const tell = (answer: string | number, times: number) =>
  fetch(`${local.ready.controlUrl}/_local/faults`, {
    method: "POST",
    body: JSON.stringify({ operation: "AssumeRole", answer, times }),
  });
const partsOf = (token: string) => new URL(`https://${token}`);

describe("a signed token", () => {
  it("is for the real host, the asked time and the user's way to connect, by a session", async () => {
    const reader = partsOf((await signerWith().sign(READER)).token);
    const owner = partsOf((await signerWith().sign({ ...READER, user: "admin", seconds: 60 })).token);
    expect(reader.host).toBe(CLUSTER.endpoint);
    expect(Object.fromEntries(reader.searchParams)).toMatchObject({
      Action: "DbConnect",
      "X-Amz-Expires": "900",
      "X-Amz-Credential": expect.stringMatching(/^ASIA/),
      "X-Amz-Security-Token": expect.any(String),
    });
    expect(owner.searchParams.get("Action")).toBe("DbConnectAdmin");
    expect(owner.searchParams.get("X-Amz-Expires")).toBe("60");
  });

  it.each([60, 900, 3_600])("of %d s ends no later than it says, nor than its session", async (seconds) => {
    const before = Date.now();
    const { token, expiresAt } = await signerWith().sign({ ...READER, seconds });
    const parts = partsOf(token).searchParams;
    const date = (parts.get("X-Amz-Date") ?? "").replace(
      /^(....)(..)(..)T(..)(..)(..)Z$/,
      "$1-$2-$3T$4:$5:$6Z",
    );
    const end = Date.parse(date) + Number(parts.get("X-Amz-Expires")) * 1_000;
    // The token's own date has whole seconds.
    expect(Math.abs(end - expiresAt.getTime())).toBeLessThan(1_000 + SKEW_MS);
    expect(expiresAt.getTime()).toBeLessThanOrEqual(Date.now() + seconds * 1_000);
    expect(expiresAt.getTime()).toBeGreaterThan(before + seconds * 1_000 - SKEW_MS);
  });

  it("is signed by a service that is a session itself", async () => {
    const session = await assume(local.ready, "service");
    const signer = signerWith({ credentials: async () => session });
    await expect(signer.sign({ ...READER, seconds: 3_600 })).resolves.toMatchObject({
      token: expect.any(String),
    });
  });

  it.each([
    ["an ARN of many clusters", { arn: CLUSTER.arn.replace(IDENTIFIER, "*") }],
    ["the ARN of another cluster", { arn: CLUSTER.arn.replace(IDENTIFIER, "b".repeat(26)) }],
    ["a host that is no cluster's", { endpoint: "db.example.com" }],
  ])("is refused for %s", async (_what, change) => {
    const refusal = await rejection(signerWith().sign({ ...READER, ...change }));
    expect(refusal).toMatchObject({ name: "Refused", reason: "bad_endpoint" });
  });
});

describe("the role that signs", () => {
  it("of another account is denied, with what to do, without names of roles and accounts", async () => {
    const roleArn = "arn:aws:iam::111111111111:role/offshoot-token";
    const refusal = await rejection(signerWith({ roleArn }).sign(READER));
    expect(refusal).toMatchObject({ name: "Refused", reason: "token_role_denied" });
    expect(String(refusal)).toMatch(/sts:AssumeRole on OFFSHOOT_TOKEN_ROLE_ARN/);
    expect(String(refusal)).not.toMatch(/arn:|\d{12}/);
  });

  it("is unavailable to a key that nobody knows, until it is another one", async () => {
    const credentials = async () => ({ ...LOCAL, accessKeyId: "stranger" });
    const refusal = await rejection(signerWith({ credentials }).sign(READER));
    expect(refusal).toMatchObject({ name: "Retryable", reason: "token_unavailable" });
    expect(String(refusal)).toMatch(/credentials have expired or were taken back: give it valid ones/);
    expect(String(refusal)).not.toMatch(/arn:|\d{12}/);
  });

  it("that is denied is told to the log, without a secret, a token or an account", async () => {
    const told: unknown[] = [];
    const warn = (fields: object, message: string) => void told.push({ ...fields, message });
    const log = { info: warn, warn, error: warn };
    await rejection(
      signerWith({ log, roleArn: "arn:aws:iam::111111111111:role/offshoot-token" }).sign(READER),
    );
    expect(told).toEqual([
      {
        reason: "token_role_denied",
        cause: expect.stringMatching(/AccessDenied/),
        message: "STS gave no session",
      },
    ]);
    expect(JSON.stringify(told)).not.toMatch(/\d{12}|ASIA/);
  });

  it("is denied to a service that may not assume it", async () => {
    const session = await assume(local.ready, "service", policyOf({ Action: "dsql:*" }));
    const refusal = await rejection(signerWith({ credentials: async () => session }).sign(READER));
    expect(refusal).toMatchObject({ reason: "token_role_denied" });
  });

  it("is asked for again when STS is throttled for a moment", async () => {
    await tell(429, 1);
    await expect(signerWith().sign(READER)).resolves.toMatchObject({ token: expect.any(String) });
  });

  it.each([429, 500])("is unavailable while STS answers %d", async (status) => {
    await tell(status, 10);
    const failure = await rejection(signerWith().sign(READER));
    expect(failure).toMatchObject({ name: "Retryable", reason: "token_unavailable" });
  });

  it("is unavailable when STS gives no answer in time", async () => {
    await tell("hang", 10);
    const failure = await rejection(signerWith({ callTimeoutMs: 200 }).sign(READER));
    expect(failure).toMatchObject({ name: "Retryable", reason: "token_unavailable" });
  });

  it("is unavailable when nobody listens, or the service has no credentials", async () => {
    const away = await rejection(signerWith({ endpoint: "http://127.0.0.1:1" }).sign(READER));
    expect(away).toMatchObject({ name: "Retryable", reason: "token_unavailable" });
    const without = await rejection(
      signerWith({ credentials: async () => Promise.reject(new Error("none")) }).sign(READER),
    );
    expect(without).toMatchObject({ name: "Retryable", reason: "token_unavailable" });
  });
});
