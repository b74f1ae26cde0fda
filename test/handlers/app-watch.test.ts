import { beforeEach, describe, expect, it } from "vitest";
import { APP_EVENTS, APP_PERMISSIONS, type AppGrants } from "../../service/domain/app-permissions.ts";
import { APP_GRANTS_MS } from "../../service/domain/limits.ts";
import { watchApp } from "../../service/handlers/app-watch.ts";

const GOOD: AppGrants = {
  ...{ slug: "mine", settingsUrl: "https://github.test/x", installations: [] },
  ...{ permissions: APP_PERMISSIONS, events: APP_EVENTS },
};
const BAD: AppGrants = { ...GOOD, events: ["push", "pull_request"] };

let now = 0;
let asked = 0;
let answer: AppGrants | Error = GOOD;
let lines: string[] = [];

beforeEach(() => {
  [now, asked, answer, lines] = [0, 0, GOOD, []];
});

function open() {
  const write = (_: unknown, text: string) => void lines.push(text);
  const apps = {
    async grants() {
      asked += 1;
      if (answer instanceof Error) throw answer;
      return { ...answer, date: null };
    },
  };
  const log = { info: write, warn: write, error: write };
  const lacking = watchApp({ apps, log, clock: { now: () => new Date(now) } }, { appId: 1, privateKey: "k" });
  /** The answer once what was asked in the background has come. */
  return async () => {
    lacking();
    await new Promise((resolve) => setImmediate(resolve));
    return lacking();
  };
}

describe("the watch on the App", () => {
  it("says nothing of an App that has everything", async () => {
    expect([await open()(), lines]).toEqual([null, []]);
  });

  it("names what is missing, logs it once, and asks GitHub again only when that is old", async () => {
    answer = BAD;
    const look = open();
    expect(await look()).toMatch(/lacks event issue_comment/);
    now += APP_GRANTS_MS - 1;
    await look();
    expect([asked, lines]).toEqual([1, [await look()]]);
    now += 1;
    await look();
    expect([asked, lines.length]).toEqual([2, 1]);
  });

  it("notices that it was granted", async () => {
    answer = BAD;
    const look = open();
    await look();
    answer = GOOD;
    now += APP_GRANTS_MS;
    expect(await look()).toBeNull();
    expect(lines[1]).toBe("the GitHub App has every permission again");
  });

  it("keeps what it knows while GitHub is away", async () => {
    answer = BAD;
    const look = open();
    const known = await look();
    answer = new Error("away");
    now += APP_GRANTS_MS;
    expect(await look()).toBe(known);
    expect(lines[1]).toBe("the GitHub App's permissions could not be read");
  });
});
