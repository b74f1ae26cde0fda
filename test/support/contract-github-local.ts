import { readFileSync } from "node:fs";
import { expect } from "vitest";
import { createGitHub } from "../../service/adapters/github.ts";
import type { GitHubSubject } from "../contract/github.ts";
import type { LocalGitHub } from "./local-github.ts";

/** The first repository that it comes with. */
const REPOSITORY = { repositoryName: "acme/shop", repositoryId: 4001 };
const NOTES = "CREATE TABLE notes (id int PRIMARY KEY);\n";

/** The adapter on the local GitHub, with a pull request that wendy opened and rita commented on. */
export async function localGitHubSubject({ ready, call }: LocalGitHub): Promise<GitHubSubject> {
  const pulls = `/repositories/${REPOSITORY.repositoryName}/pulls`;
  const files = { "migrations/0003_notes.sql": NOTES };
  const opened = { author: "wendy", title: "Notes", branch: "notes", files };
  const { number, headSha } = await call<{ number: number; headSha: string }>("POST", pulls, opened);
  const comment = { author: "rita", body: "/db status" };
  const { id } = await call<{ id: number }>("POST", `${pulls}/${number}/comments`, comment);

  const host = "github.test";
  const target = { host, installationId: ready.installationId, ...REPOSITORY, number };
  const github = createGitHub({
    appId: ready.appId,
    privateKey: readFileSync(ready.privateKeyFile, "utf8"),
    apiUrl: ready.apiUrl,
    host,
    appUserAgent: "offshoot-contract",
  });
  return {
    github,
    target,
    files: [
      { path: "migrations/0001_customers.sql", text: expect.stringContaining("CREATE TABLE customers") },
      { path: "migrations/0002_orders.sql", text: expect.stringContaining("CREATE TABLE orders") },
      { path: "migrations/0003_notes.sql", text: NOTES },
    ],
    headSha,
    author: "wendy",
    writer: "wendy",
    reader: "rita",
    stranger: "mallory",
    comment: { id, ...comment },
    close: async () => undefined,
  };
}
