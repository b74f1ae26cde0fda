/** Variables of the service for tests of its configuration, and what it finds wrong with changed ones. */
import { generateKeyPairSync } from "node:crypto";
import { rootCertificates } from "node:tls";
import { ConfigProblems, readConfig } from "../../service/config.ts";

const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
export const PEM = privateKey.export({ type: "pkcs1", format: "pem" }).toString();
const CERTIFICATE = rootCertificates.slice(0, 2).join("\n");

/** The variables that must be set, and no others. */
export const GOOD: Readonly<Record<string, string>> = {
  AWS_REGION: "eu-central-1",
  OFFSHOOT_AWS_ACCOUNT: "123456789012",
  OFFSHOOT_STORE_URL: "postgresql://localhost/offshoot",
  OFFSHOOT_GITHUB_APP_ID: "1001",
  OFFSHOOT_GITHUB_PRIVATE_KEY: PEM,
  OFFSHOOT_GITHUB_WEBHOOK_SECRETS: "a secret of twenty-some characters",
};

export const ROLE_ARN = "arn:aws:iam::123456789012:role/offshoot/token";

const files: Readonly<Record<string, string>> = {
  "/ca.pem": CERTIFICATE,
  "/app.pem": PEM,
  "/not.pem": "hello",
  "/access.json":
    '[{"repositories":["acme/*"],"iamRole":"arn:aws:iam::123456789012:role/dev","databaseRole":"app"}]',
  "/access-wrong.json": '[{"tenants":"*","iamRole":"dev","databaseRole":"app"}]',
  "/garbled.pem": "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n",
};

export function readFile(path: string): string {
  const text = files[path];
  if (text === undefined) throw new Error("ENOENT");
  return text;
}

/** What is wrong with the variables, changed like this. */
export function problems(change: Readonly<Record<string, string | undefined>>): readonly string[] {
  return problemsOf(() => readConfig({ ...GOOD, ...change }, readFile));
}

/** The problems that reading a configuration tells; none if it can be read. */
export function problemsOf(read: () => unknown): readonly string[] {
  try {
    read();
    return [];
  } catch (error) {
    if (error instanceof ConfigProblems) return error.problems;
    throw error;
  }
}
