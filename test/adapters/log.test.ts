import { generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { createLog } from "../../service/adapters/log.ts";

const OWN = 'a "quoted" webhook secret';

function written(fields: Readonly<Record<string, unknown>>, message = "a line"): string {
  const lines: string[] = [];
  createLog({ level: "info", secrets: [OWN], write: (line) => void lines.push(line) }).info(fields, message);
  return lines.join("");
}

const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const PEM = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
const DSQL_TOKEN =
  "x.dsql.eu-central-1.on.aws/?Action=DbConnectAdmin&X-Amz-Credential=AKIA%2F2026&X-Amz-Security-Token=CANARY&X-Amz-Signature=CANARY";

describe("the log", () => {
  it("is one JSON object a line, with level, time and fields", () => {
    const line = JSON.parse(written({ delivery: "guid-1" }));
    expect(line).toMatchObject({ level: 30, delivery: "guid-1", msg: "a line" });
    expect(line.time).toMatch(/^\d{4}-\d\d-\d\dT/);
  });

  it.each([
    ["a token of an installation", "ghs_CANARYcanaryCANARYcanary"],
    ["a token of the newer form", "ghs_123_CANARY.canary.CANARYcanary"],
    ["a token of a person", "ghu_CANARYcanaryCANARYcanary"],
    ["a key of ours", `ofk_0123456789abcdefghjkmn_${"CANARY-_".repeat(6).slice(0, 43)}`],
    ["a session of ours", `ofs_0123456789abcdefghjkmn_${"CANARY-_".repeat(6).slice(0, 43)}`],
    ["a JSON Web Token", `eyJhbGciOiJSUzI1NiJ9.${"CANARY".repeat(20)}.${"CANARY-_".repeat(30)}`],
    ["a personal token", "github_pat_CANARYcanary_CANARYcanary0123"],
    ["the App's key", PEM],
    ["the beginning of a key", PEM.slice(0, 200)],
    ["a token for DSQL", DSQL_TOKEN],
    ["an authorization header", "Bearer CANARY.canary.CANARY"],
    ["the password of a URL", "postgresql://user:CANARY@store/offshoot"],
    ["an own secret", OWN],
  ])("does not show %s, in a field, in an error or in the message", (_name, secret) => {
    const hidden = JSON.stringify(secret).slice(1, -1).slice(0, 200);
    const error = new Error(`failed with ${secret}`);
    const lines = written({ deep: { field: secret }, cause: error.message, stack: error.stack }, secret);
    expect(lines).not.toContain(hidden);
    expect(lines).not.toMatch(/CANARY|MII|quoted/);
    expect(JSON.parse(lines).deep.field).toContain("[removed]");
  });

  it("cuts a line that is too long, and it stays JSON", () => {
    const line = written({ text: "x".repeat(100_000) });
    expect(line.length).toBeLessThan(20_000);
    expect(JSON.parse(line).cut).toBeGreaterThan(100_000);
  });

  it("writes nothing below its level", () => {
    const lines: string[] = [];
    const log = createLog({ level: "error", write: (line) => void lines.push(line) });
    log.info({}, "quiet");
    log.warn({}, "quiet");
    log.error({}, "loud");
    expect(lines).toHaveLength(1);
  });
});
