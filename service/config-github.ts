/** The variables of the GitHub App: its key and its webhook secrets are checked here and never repeated in a message. */
import { createPrivateKey } from "node:crypto";
import type { Config, ReadFile } from "./config-shape.ts";
import { WEBHOOK_SECRETS_MAX } from "./domain/limits.ts";
import type { Reader } from "./env-reader.ts";

/** Shorter secrets can be guessed from one captured delivery. */
const SECRET_CHARACTERS_MIN = 16;

/** Reads and checks them; problems go to `read`. */
export function githubConfig(read: Reader, readFile: ReadFile): Config["github"] {
  const webUrl = read.url("OFFSHOOT_GITHUB_WEB_URL", ["https:", "http:"], "https://github.com");
  const host = new URL(webUrl).hostname;
  // Colons part the keys that the host name is a part of.
  if (host.includes(":")) read.problem("OFFSHOOT_GITHUB_WEB_URL", host, "a URL with a host name");
  return {
    appId: read.integer("OFFSHOOT_GITHUB_APP_ID", 1, Number.MAX_SAFE_INTEGER, null),
    privateKey: privateKey(read, readFile),
    webhookSecrets: webhookSecrets(read),
    apiUrl: read.url("OFFSHOOT_GITHUB_API_URL", ["https:", "http:"], "https://api.github.com"),
    webUrl,
    host,
  };
}

function privateKey(read: Reader, readFile: ReadFile): string {
  const file = read.path("OFFSHOOT_GITHUB_PRIVATE_KEY_FILE", "the path of the App's key");
  const expected = "the App's private key as PEM, or its path in OFFSHOOT_GITHUB_PRIVATE_KEY_FILE";
  if (file) {
    read.ignore("OFFSHOOT_GITHUB_PRIVATE_KEY");
    const text = tryRead(file, readFile);
    if (text !== null && isPrivateKey(text)) return text;
    read.problem("OFFSHOOT_GITHUB_PRIVATE_KEY_FILE", file, "the path of a readable PEM private key");
    return "";
  }
  // Many secret stores keep a PEM on one line with \n written out.
  const given = read.secret("OFFSHOOT_GITHUB_PRIVATE_KEY", expected).replaceAll("\\n", "\n");
  if (given !== "" && !isPrivateKey(given)) {
    read.problem(
      "OFFSHOOT_GITHUB_PRIVATE_KEY",
      `a text of ${given.length} characters that is not a PEM private key`,
      expected,
    );
  }
  return given;
}

function webhookSecrets(read: Reader): readonly string[] {
  const name = "OFFSHOOT_GITHUB_WEBHOOK_SECRETS";
  const expected = `1 to ${WEBHOOK_SECRETS_MAX} secrets of at least ${SECRET_CHARACTERS_MIN} characters, separated by commas, the current one first`;
  const given = read.secret(name, expected);
  const secrets = given.split(",").map((secret) => secret.trim());
  const good =
    secrets.length <= WEBHOOK_SECRETS_MAX &&
    secrets.every((secret) => secret.length >= SECRET_CHARACTERS_MIN);
  if (given !== "" && !good) {
    read.problem(
      name,
      `${secrets.length} secrets of ${secrets.map((secret) => secret.length).join(", ")} characters`,
      expected,
    );
  }
  return secrets;
}

function isPrivateKey(text: string): boolean {
  try {
    return createPrivateKey(text).asymmetricKeyType === "rsa";
  } catch {
    return false;
  }
}

function tryRead(file: string, readFile: ReadFile): string | null {
  try {
    return readFile(file);
  } catch {
    return null;
  }
}
