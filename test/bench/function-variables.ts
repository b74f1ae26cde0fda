import { generateKeyPairSync } from "node:crypto";
import { SECRET } from "./deliveries.ts";

/** The variables of a service on a store and a GitHub of the benchmark; its AWS is never asked. */
export function serviceVariables({
  storeUrl,
  githubUrl,
}: {
  readonly storeUrl: string;
  readonly githubUrl: string;
}): Readonly<Record<string, string>> {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return {
    AWS_REGION: "us-east-1",
    AWS_ACCESS_KEY_ID: "local",
    AWS_SECRET_ACCESS_KEY: "local",
    OFFSHOOT_AWS_ACCOUNT: "000000000000",
    OFFSHOOT_STORE_URL: storeUrl,
    OFFSHOOT_GITHUB_APP_ID: "1",
    OFFSHOOT_GITHUB_PRIVATE_KEY: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    OFFSHOOT_GITHUB_WEBHOOK_SECRETS: SECRET,
    OFFSHOOT_GITHUB_API_URL: githubUrl,
    OFFSHOOT_DSQL_ENDPOINT: "http://127.0.0.1:9",
    OFFSHOOT_QUEUE_URL: "http://127.0.0.1:9/000000000000/wake",
    OFFSHOOT_LOG_LEVEL: "warn",
  };
}
