import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { GitHub, PullTarget } from "../../service/handlers/ports.ts";

export interface GitHubSubject {
  readonly github: GitHub;
  /** An open pull request, not of a fork. */
  readonly target: PullTarget;
  /** What its head holds in `migrations/`, in the order expected. */
  readonly files: readonly { readonly path: string; readonly text: string }[];
  readonly headSha: string;
  readonly author: string;
  /** A person with write access, one with read access only, and one whom nobody knows. */
  readonly writer: string;
  readonly reader: string;
  readonly stranger: string;
  /** A comment of a person on the pull request, unedited, and its text. */
  readonly comment: { readonly id: number; readonly author: string; readonly body: string };
  close(): Promise<unknown>;
}

const NO_ID = 999_999_999;

/** What every GitHub promises. Writes one comment and removes it. */
export function gitHubContract(name: string, make: () => Promise<GitHubSubject>): void {
  describe(`GitHub: ${name}`, () => {
    let subject: GitHubSubject;
    beforeAll(async () => {
      subject = await make();
    });
    afterAll(() => subject?.close());

    it("reads a pull request", async () => {
      const { github, target, headSha, author } = subject;
      expect(await github.readPull(target)).toMatchObject({
        number: target.number,
        repositoryId: target.repositoryId,
        repositoryName: target.repositoryName,
        state: "open",
        merged: false,
        closedAt: null,
        headSha,
        fork: false,
        author,
        authorIsBot: false,
      });
    });

    it("sees no pull request that is not there", async () => {
      const { github, target } = subject;
      expect(await github.readPull({ ...target, number: NO_ID })).toBeNull();
      expect(
        await github.readPull({ ...target, repositoryName: `${target.repositoryName}-gone` }),
      ).toBeNull();
    });

    it("knows who may write", async () => {
      const { github, target, writer, reader, stranger } = subject;
      expect(await github.readPermission(target, writer)).toMatch(/^(write|admin)$/);
      expect(await github.readPermission(target, reader)).toBe("read");
      expect(await github.readPermission(target, stranger)).toMatch(/^(none|read)$/);
    });

    it("reads the migrations at a commit, and none where there is no directory", async () => {
      const { github, target, headSha, files } = subject;
      expect(await github.readMigrations(target, headSha, "migrations")).toEqual(files);
      expect(await github.readMigrations(target, headSha, "no/such/directory")).toEqual([]);
    });

    it("reads a person's comment back by its id", async () => {
      const { github, target, comment } = subject;
      expect(await github.readComment(target, comment.id)).toMatchObject({
        ...comment,
        number: target.number,
        authorIsBot: false,
        edited: false,
      });
      expect(await github.readComment(target, NO_ID)).toBeNull();
    });

    it("writes a comment, finds it by its marker, edits and deletes it", async () => {
      const { github, target } = subject;
      const marker = `<!-- contract ${randomUUID()} -->`;
      const { id } = await github.createComment(target, `${marker} one`);
      expect(await github.findComments(target, marker)).toEqual([{ id, body: `${marker} one` }]);
      expect(await github.editComment(target, id, `${marker} two`)).toBe("edited");
      expect(await github.readComment(target, id)).toMatchObject({
        body: `${marker} two`,
        authorIsBot: true,
      });
      await github.deleteComment(target, id);
      await github.deleteComment(target, id);
      expect(await github.editComment(target, id, "three")).toBe("absent");
      expect(await github.findComments(target, marker)).toEqual([]);
    });

    it("writes a check run, finds it by its external id, completes it and opens it again", async () => {
      const { github, target, headSha: sha } = subject;
      const externalId = randomUUID();
      const found = async () => {
        const runs = await github.findChecks(target, sha, externalId);
        return runs.map((run) => [run.id, run.status]);
      };
      const open = { status: "in_progress", conclusion: null, title: "Contract", summary: "*one*" } as const;
      const said = { ...open, annotation: null, detailsUrl: "https://example.com/details" };
      const { id } = await github.createCheck(target, { ...said, sha, externalId });
      expect(await found()).toEqual([[id, "in_progress"]]);
      const annotation = { path: "migrations/1.sql", line: 1, message: "contract" };
      const done = { ...said, status: "completed", conclusion: "failure", annotation } as const;
      expect(await github.updateCheck(target, id, done)).toBe("updated");
      expect(await found()).toEqual([[id, "completed"]]);
      expect(await github.updateCheck(target, id, { ...said, title: "Again" })).toBe("updated");
      expect(await found()).toEqual([[id, "in_progress"]]);
      await github.updateCheck(target, id, { ...said, status: "completed", conclusion: "neutral" });
      const second = await github.createCheck(target, { ...done, sha, externalId });
      expect(await found()).toEqual([
        [id, "completed"],
        [second.id, "completed"],
      ]);
      expect(await github.findChecks(target, sha, randomUUID())).toEqual([]);
      expect(await github.updateCheck(target, NO_ID, said)).toBe("absent");
    });

    it("says what was granted", async () => {
      const { github, target } = subject;
      expect(await github.readGrants(target)).toMatchObject({
        permissions: { checks: "write", contents: "read" },
        events: expect.arrayContaining(["pull_request"]),
        url: expect.stringContaining("http"),
      });
    });

    it("reacts to a comment, twice as well as once", async () => {
      const { github, target, comment } = subject;
      expect(await github.react(target, comment.id, "rocket")).toBe("done");
      expect(await github.react(target, comment.id, "rocket")).toBe("done");
      expect(await github.react(target, NO_ID, "rocket")).toBe("absent");
    });
  });
}
