import { describe, expect, it } from "vitest";
import {
  APP_EVENTS,
  APP_PERMISSIONS,
  type AppGrants,
  missingGrants,
  missingGrantsText,
} from "../../service/domain/app-permissions.ts";
import { WANTED_EVENTS } from "../../service/handlers/receive.ts";

const ALL = { permissions: APP_PERMISSIONS, events: APP_EVENTS };
const at = (account: string, more: object = {}) => ({
  ...{ ...ALL, account, url: `https://github.test/${account}` },
  ...more,
});
const app = (more: Partial<AppGrants> = {}): AppGrants => ({
  ...{ ...ALL, slug: "mine", settingsUrl: "https://github.test/settings/apps/mine", installations: [] },
  ...more,
});

describe("what an App must be granted", () => {
  it("has the events that are read, and no others", () => {
    expect(new Set<string>(APP_EVENTS)).toEqual(WANTED_EVENTS);
  });

  it("lacks nothing with more than that", () => {
    const more = {
      permissions: { ...APP_PERMISSIONS, issues: "admin", checks: "write" },
      events: [...APP_EVENTS, "create"],
    };
    expect(missingGrants(more)).toEqual([]);
  });

  it.each(Object.entries(APP_PERMISSIONS))("names %s: %s when it is missing", (name, level) => {
    const permissions: Record<string, string> = { ...APP_PERMISSIONS };
    delete permissions[name];
    expect(missingGrants({ ...ALL, permissions })).toEqual([`${name}: ${level}`]);
  });

  it("names what may only be read and must be written", () => {
    const permissions = { ...APP_PERMISSIONS, issues: "read" };
    expect(missingGrants({ ...ALL, permissions })).toEqual(["issues: write"]);
  });

  it("is one line: first the App's own, then where it was not accepted, a few by name", () => {
    expect(missingGrantsText(app({ installations: [at("acme")] }))).toBeNull();
    expect(missingGrantsText(app({ events: ["push"], installations: [at("acme", { events: [] })] }))).toBe(
      "The GitHub App mine lacks event issue_comment, event pull_request. Grant it in its settings: https://github.test/settings/apps/mine",
    );
    const installations = ["a", "b", "c", "d", "e"].map((name) =>
      at(name, { events: ["push", "pull_request"] }),
    );
    const text = missingGrantsText(app({ installations: [at("good"), ...installations] })) ?? "";
    expect(text).toMatch(
      /: a lacks event issue_comment \(https:\/\/github\.test\/a\); b .*; c .*; and 2 more\./,
    );
    expect(text).not.toMatch(/good|\n/);
  });
});
