import { readFileSync } from "node:fs";
import { createAppAuth } from "@octokit/auth-app";
import { Octokit } from "@octokit/core";
import type { LocalGitHub } from "../../support/local-github.ts";

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** Octokit as the App itself. */
export function asApp({ ready }: LocalGitHub): Octokit {
  const auth = { appId: ready.appId, privateKey: readFileSync(ready.privateKeyFile, "utf8") };
  return new Octokit({ authStrategy: createAppAuth, auth, baseUrl: ready.apiUrl, log: quiet });
}

/** Octokit with a token of the installation, narrowed as asked. */
export async function asInstallation(local: LocalGitHub, narrow: object = {}): Promise<Octokit> {
  const { data } = await asApp(local).request("POST /app/installations/{installation_id}/access_tokens", {
    installation_id: local.ready.installationId,
    ...narrow,
  });
  return withToken(local, data.token);
}

export function withToken({ ready }: LocalGitHub, auth: string): Octokit {
  return new Octokit({ auth, baseUrl: ready.apiUrl, log: quiet });
}

export const SHOP = { owner: "acme", repo: "shop" };
export const PULLS = "/repositories/acme/shop/pulls";

let branches = 0;

/** Opens a pull request of its own on acme/shop. */
export async function openPull(local: LocalGitHub, more: object = {}) {
  branches += 1;
  return local.call<{ number: number; headSha: string }>("POST", PULLS, {
    author: "wendy",
    title: `Change ${branches}`,
    branch: `change-${branches}`,
    files: { "migrations/0003_notes.sql": "CREATE TABLE notes (id bigint PRIMARY KEY);\n" },
    ...more,
  });
}
