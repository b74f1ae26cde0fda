import { describe, expect, it } from "vitest";
import { receive } from "../../service/handlers/receive.ts";
import { commentPayload, pullPayload } from "../support/payloads.ts";

function received(event: string, payload: unknown) {
  return receive({ host: "github.test", appId: 1001, guid: "guid-1", event, payload });
}

describe("what a delivery becomes", () => {
  it("is a row of a few checked fields", () => {
    expect(received("pull_request", pullPayload())).toEqual({
      kind: "wanted",
      row: {
        appId: 1001,
        guid: "guid-1",
        pullKey: "pull:github.test:77:42",
        event: "pull_request",
        action: "opened",
        installationId: 5001,
        repositoryId: 77,
        repositoryName: "acme/shop",
        number: 42,
        commentId: null,
        sender: "wendy",
      },
    });
  });

  it("is a hint at a comment, whose author is to be compared with what GitHub says", () => {
    const payload = commentPayload({ id: 31, author: "rita" });
    expect(received("issue_comment", payload)).toMatchObject({ row: { commentId: 31, sender: "rita" } });
  });

  it.each(["opened", "reopened", "synchronize", "closed", "ready_for_review", "converted_to_draft"])(
    "is wanted when a pull request is %s",
    (action) => expect(received("pull_request", pullPayload({ action })).kind).toBe("wanted"),
  );

  it.each(["labeled", "assigned", "constructor", ""])("is ignored for the action %j", (action) =>
    expect(received("pull_request", pullPayload({ action }))).toEqual({ kind: "ignored", reason: "action" }),
  );

  it.each(["/db", "/db status", "please\n/db create", "please\r\n/DB help", "`/db destroy`"])(
    "is wanted for the comment %j",
    (body) => expect(received("issue_comment", commentPayload({ body })).kind).toBe("wanted"),
  );

  it.each(["looks good", "see docs/db", "/dbt run", "run /db status", "", "> /db create"])(
    "is ignored for the comment %j",
    (body) =>
      expect(received("issue_comment", commentPayload({ body }))).toEqual({
        kind: "ignored",
        reason: "no_command",
      }),
  );
});

describe("a body that is not what it claims to be", () => {
  const repository = { id: 77, full_name: "acme/shop" };
  it.each<[string, string, unknown]>([
    ["nothing", "pull_request", null],
    ["a text", "pull_request", "opened"],
    ["an action that is no text", "pull_request", { ...pullPayload(), action: 7 }],
    ["a comment as a pull request", "pull_request", commentPayload()],
    ["a pull request as a comment", "issue_comment", pullPayload()],
    ["a review comment as a pull request", "pull_request", { ...pullPayload(), comment: { id: 1 } }],
    ["two numbers", "pull_request", { ...pullPayload(), number: 43 }],
    ["no number", "pull_request", { ...pullPayload(), number: undefined, pull_request: {} }],
    ["a number beyond its column", "pull_request", pullPayload({ number: 2 ** 31 })],
    ["a fraction as number", "pull_request", pullPayload({ number: 1.5 })],
    ["a negative number", "pull_request", pullPayload({ number: -1 })],
    [
      "a repository's id beyond 2^53",
      "pull_request",
      { ...pullPayload(), repository: { ...repository, id: 2 ** 53 } },
    ],
    [
      "a repository's id as text",
      "pull_request",
      { ...pullPayload(), repository: { ...repository, id: "77" } },
    ],
    ["no repository", "pull_request", { ...pullPayload(), repository: null }],
    [
      "a name that climbs",
      "pull_request",
      { ...pullPayload(), repository: { id: 77, full_name: "acme/.." } },
    ],
    [
      "a name with a NUL",
      "pull_request",
      { ...pullPayload(), repository: { id: 77, full_name: "acme/a\u0000" } },
    ],
    [
      "a name of three parts",
      "pull_request",
      { ...pullPayload(), repository: { id: 77, full_name: "a/b/c" } },
    ],
    [
      "an endless name",
      "pull_request",
      { ...pullPayload(), repository: { id: 77, full_name: `a/${"b".repeat(101)}` } },
    ],
    ["an installation without an id", "pull_request", { ...pullPayload(), installation: {} }],
    ["a sender with a line break", "pull_request", pullPayload({ author: "wendy\n@everyone" })],
    ["no sender", "pull_request", { ...pullPayload(), sender: undefined }],
    ["a comment without an id", "issue_comment", commentPayload({ id: 0 })],
  ])("is refused with a message: %s", (_name, event, payload) => {
    const result = received(event, payload);
    expect(result.kind).toBe("invalid");
    expect(result).toMatchObject({ message: expect.stringMatching(/^[A-Z].*\.$/) });
  });
});
