import { describe, expect, it } from "vitest";
import { headShaOf } from "../../service/client/client.ts";

const ENV = { GITHUB_EVENT_NAME: "pull_request", GITHUB_EVENT_PATH: "/event.json" };
const says = (text: string) => async () => text;

describe("the commit of a job", () => {
  it("is the head of its pull request", async () => {
    const event = JSON.stringify({ pull_request: { head: { sha: "5ca1ab1e" } } });
    expect(await headShaOf(ENV, says(event))).toBe("5ca1ab1e");
  });

  it.each([{ GITHUB_EVENT_NAME: "push" }, { GITHUB_EVENT_PATH: "" }])("is none with %j", async (other) => {
    expect(await headShaOf({ ...ENV, ...other }, says("no JSON"))).toBeNull();
  });

  it.each([
    [
      "cannot be read (ENOENT)",
      async () => Promise.reject(Object.assign(new Error("no"), { code: "ENOENT" })),
    ],
    ["is no JSON", says("<html>")],
    ["names no commit", says("null")],
    ["names no commit", says('{"pull_request":{"head":{"sha":1}}}')],
  ])("is not guessed when the event %s, and the error says what to do", async (what, readText) => {
    await expect(headShaOf(ENV, readText)).rejects.toMatchObject({
      ...{ name: "OffshootError", reason: "bad_event", status: 0 },
      message: expect.stringContaining(`/event.json, ${what}. In a container, mount it; if any commit's`),
    });
  });
});
