import { generateKeyPairSync } from "node:crypto";
import { onTestFinished } from "vitest";
import { createGitHub } from "../../service/adapters/github.ts";
import { type Answer, type Asked, startScriptedServer } from "./contract-server.ts";

export const SHA = "a".repeat(40);
const { privateKey } = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  privateKeyEncoding: { type: "pkcs1", format: "pem" },
  publicKeyEncoding: { type: "spki", format: "pem" },
});

export const ok = (body: unknown, headers = {}): Answer => ({ status: 200, body, headers });
export const said = (status: number, message: string, headers = {}): Answer => ({
  status,
  body: { message },
  headers,
});

export function tokenAnswer(): Answer {
  const expires_at = new Date(Date.now() + 3_600_000).toISOString();
  return { status: 201, body: { token: "ghs_secret", expires_at, permissions: {} } };
}

/** Installations of their own, because auth-app shares tokens that are under way between all Apps of a process. */
let installations = 100;

/** The adapter on a GitHub that answers by the script, until the test is over. */
export async function gitHubWith(
  script: (asked: Asked) => Answer | "hang",
  options: { readonly tokens?: (asked: Asked) => Answer | "hang"; readonly privateKey?: string } = {},
) {
  const tokens = options.tokens ?? tokenAnswer;
  const server = await startScriptedServer((asked) =>
    asked.path.startsWith("/app/installations/") ? tokens(asked) : script(asked),
  );
  onTestFinished(async () => void (await server.close()));
  const github = createGitHub({
    appId: 11,
    privateKey: options.privateKey ?? privateKey,
    apiUrl: server.url,
    host: "github.test",
    appUserAgent: "offshoot-test",
    callTimeoutMs: 300,
  });
  installations += 1;
  const here = {
    host: "github.test",
    installationId: installations,
    repositoryId: 42,
    repositoryName: "acme/shop",
    number: 3,
  };
  const calls = () => server.asked.filter(({ path }) => !path.startsWith("/app/"));
  const mints = () => server.asked.filter(({ path }) => path.startsWith("/app/"));
  return { github, here, calls, mints };
}
