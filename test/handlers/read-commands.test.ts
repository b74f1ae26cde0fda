import { describe, expect, it } from "vitest";
import { Refused, Retryable } from "../../service/domain/errors.ts";
import type { Context } from "../../service/handlers/context.ts";
import type { PullComment } from "../../service/handlers/ports.ts";
import { readCommands } from "../../service/handlers/read-commands.ts";
import { NOW } from "../domain/builders.ts";
import { createFakeGitHub, PULL, PULL_ROW, quiet } from "./scene.ts";

const COMMENT: PullComment = {
  id: 31,
  author: "wendy",
  authorIsBot: false,
  body: "/db destroy",
  createdAt: NOW,
  edited: false,
  number: 1,
};

const HINT = {
  guid: "guid-1",
  appId: 1,
  event: "issue_comment",
  action: "created",
  installationId: 5001,
  repositoryName: "acme/shop",
  commentId: 31,
  sender: "wendy",
};

interface Given {
  readonly comment?: Partial<PullComment>;
  readonly sender?: string;
  readonly fork?: boolean;
  readonly known?: readonly number[];
}

function sceneOf({ comment = {}, known = [] }: Given) {
  const github = createFakeGitHub();
  github.state.comments.set(31, { ...COMMENT, ...comment });
  const store = {
    knownComments: async () => known,
    installationPause: async () => new Date(0),
    transaction: async () => undefined,
  };
  const clock = { now: () => NOW };
  const context = { store, github: github.port, clock, log: quiet } as unknown as Context;
  return { github: github.state, context };
}

async function read(given: Given, { context } = sceneOf(given)) {
  const delivery = { ...HINT, sender: given.sender ?? "wendy" };
  return readCommands(context, PULL_ROW, { ...PULL, fork: given.fork ?? false }, [delivery]);
}

describe("a hint at a comment", () => {
  it.each<[string, Given]>([
    ["is another person's", { comment: { author: "mallory" } }],
    ["is claimed by another person", { sender: "mallory" }],
    ["is on another pull request", { comment: { number: 2 } }],
    ["is a bot's", { comment: { authorIsBot: true } }],
    ["holds no command any more", { comment: { body: "never mind" } }],
    ["was read before", { known: [31] }],
  ])("is no command if the comment %s", async (_name, given) => {
    expect(await read(given)).toEqual([]);
  });

  it("is no command if there is no such comment", async () => {
    const scene = sceneOf({});
    scene.github.comments.clear();
    expect(await read({}, scene)).toEqual([]);
  });

  it("asks for no permission unless its author wrote it here", async () => {
    const scene = sceneOf({ comment: { author: "mallory" } });
    await read({}, scene);
    expect(scene.github.calls).toEqual(["readComment"]);
  });

  it("is one command, however many deliveries told of it", async () => {
    const { context } = sceneOf({});
    const twice = [HINT, { ...HINT, guid: "guid-2" }];
    expect(await readCommands(context, PULL_ROW, PULL, twice)).toHaveLength(1);
  });

  it("is left out if GitHub refuses the comment, without keeping the others from being applied", async () => {
    const scene = sceneOf({});
    scene.github.fail.set("readComment", new Refused("forbidden", "Resource not accessible"));
    expect(await read({}, scene)).toEqual([]);
  });

  it("waits if GitHub does not answer", async () => {
    const scene = sceneOf({});
    scene.github.fail.set("readPermission", new Retryable("github_unavailable", "502"));
    await expect(read({}, scene)).rejects.toMatchObject({ reason: "github_unavailable" });
  });
});

describe("a command", () => {
  it.each([
    ["/db destroy", "admin", "accepted", "+1"],
    ["/db destroy", "write", "accepted", "+1"],
    ["/db create", "read", "needs_write", "-1"],
    ["/db create", "none", "needs_write", "-1"],
    ["/db status", "read", "answered", "eyes"],
    ["/db help", "read", "answered", "eyes"],
    ["/db status", "none", "needs_write", "-1"],
    ["/db frobnicate", "read", "unknown_verb", "confused"],
    ["/db frobnicate", "none", "needs_write", "-1"],
    ["/db destroy now", "read", "bad_arguments", "confused"],
    ["/db destroy now", "none", "needs_write", "-1"],
  ] as const)("%s by someone with %s access is %s: %s", async (body, permission, outcome, reaction) => {
    const scene = sceneOf({ comment: { body } });
    scene.github.permissions.set("wendy", permission);
    expect(await read({}, scene)).toMatchObject([{ outcome, reaction, author: "wendy", commentId: 31 }]);
  });

  it("that was edited is refused, whoever may write here", async () => {
    expect(await read({ comment: { edited: true } })).toMatchObject([{ outcome: "edited" }]);
  });

  it("to create a database for a fork is refused", async () => {
    expect(await read({ comment: { body: "/db create" }, fork: true })).toMatchObject([{ outcome: "fork" }]);
  });

  it("to destroy one for a fork is accepted", async () => {
    expect(await read({ fork: true })).toMatchObject([{ outcome: "accepted" }]);
  });
});
