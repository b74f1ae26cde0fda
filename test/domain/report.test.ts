import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { COMMAND_VERBS } from "../../service/domain/command.ts";
import { COMMENT_CHARACTERS } from "../../service/domain/limits.ts";
import { renderReport, reportMarker } from "../../service/domain/render.ts";
import { clockText, dayClockText, durationText } from "../../service/domain/render-time.ts";
import type { ReportState, ReportView } from "../../service/domain/report.ts";
import { textDigest } from "../../service/domain/text-digest.ts";
import { shown } from "./markdown-tree.ts";
import { at, awsConnection, notices, statesOf, timingsOf, viewOf } from "./report-views.ts";

const states = statesOf();
const ready = states["ready-aws"] as ReportState & { phase: "ready" };
const failed = states["failed"] as ReportState & { phase: "failed" };

function readyWithFiles(count: number): ReportView {
  const files = Array.from({ length: count }, (_, index) => ({
    file: `migrations/${index}_${"x".repeat(150)}.sql`,
    statements: 1,
    ms: 100,
  }));
  return viewOf({ ...ready, timings: { ...timingsOf("a.sql"), files } });
}

describe("a comment that would be too long", () => {
  test("loses the table of files first, and keeps how to connect", () => {
    const { body } = renderReport([readyWithFiles(500)]);
    expect(body.length).toBeLessThanOrEqual(COMMENT_CHARACTERS);
    expect(body).not.toContain("| file |");
    expect(body).toContain("<summary>Node, Windows, psql 15</summary>");
    expect(body).toContain("41 s: created 31 s, 500 statements 8.2 s");
  });

  test("loses the folds next", () => {
    const { body } = renderReport(Array.from({ length: 40 }, () => viewOf(ready)));
    expect(body.length).toBeLessThanOrEqual(COMMENT_CHARACTERS);
    expect(body).not.toContain("<details>");
    expect(body).toContain("psql -Xw");
  });

  test("cuts SQL and messages next, and says so", () => {
    const problem = { ...failed.problem, sql: "s".repeat(200_000), message: "m".repeat(200_000) };
    const view = viewOf({ ...failed, problem });
    expect(renderReport([view]).body).toContain("… (cut after 4000 characters)");
    const many = renderReport(Array.from({ length: 12 }, () => view)).body;
    expect(many.length).toBeLessThanOrEqual(COMMENT_CHARACTERS);
    expect(many).toContain("… (cut after 400 characters)");
    expect(many.match(/\*\*Next:\*\*/g)).toHaveLength(12);
  });

  test("is at least its headings, and counts the rest", () => {
    const view = viewOf(failed, notices["accepted"]!, "`".repeat(5_000));
    const { body } = renderReport(Array.from({ length: 500 }, () => view));
    expect(body.length).toBeLessThanOrEqual(COMMENT_CHARACTERS);
    expect(body.match(/^### 🔴 Migration failed/gm)).toHaveLength(50);
    expect(body).toContain("…and 450 more.");
    expect(body).toContain("`/db create` by `alice`");
  });

  test("still has its marker first", () => {
    const views = Array.from({ length: 500 }, () => readyWithFiles(500));
    expect(renderReport(views).body.startsWith("<!-- offshoot:v1 env_01kavq3w8nf0 d=")).toBe(true);
  });
});

describe("the digest", () => {
  test("is the same for the same views and differs between any two states", () => {
    const digests = Object.values(states).map((state) => renderReport([viewOf(state)]).digest);
    expect(new Set(digests).size).toBe(digests.length);
    expect(Object.values(states).map((state) => renderReport([viewOf(state)]).digest)).toEqual(digests);
  });

  test("stands in the marker, where it is found again", () => {
    const { body, digest } = renderReport([viewOf(ready)]);
    expect(body).toContain(`d=${digest} `);
  });

  test("is FNV-1a as published", () => {
    expect(textDigest("")).toBe("cbf29ce484222325");
    expect(textDigest("foobar")).toBe("85944171f73967e8");
  });
});

describe("the marker", () => {
  test("begins the comment in every state", () => {
    for (const state of Object.values(states)) {
      const views = [viewOf(state)];
      expect(renderReport(views).body.startsWith(reportMarker(views))).toBe(true);
    }
  });

  test("is not a prefix of another environment's", () => {
    const longer = { ...viewOf(ready), environmentId: "env_01kavq3w8nf0a" };
    expect(reportMarker([longer]).startsWith(reportMarker([viewOf(ready)]))).toBe(false);
  });
});

describe("the texts", () => {
  const directory = new URL("./golden/", import.meta.url);
  const golden = readdirSync(directory).map((name) => readFileSync(new URL(name, directory), "utf8"));

  test("offer only commands of this version", () => {
    const offered = golden.flatMap((text) => [...text.matchAll(/`\/db (\w+)/g)].map((match) => match[1]));
    expect(new Set(offered)).toEqual(new Set(COMMAND_VERBS));
  });

  test("hold no relative times", () => {
    for (const text of golden) expect(text).not.toMatch(/\bago\b|\byesterday\b|\btoday\b|just now/i);
  });

  test("show the ready state in at most 25 lines before anything is unfolded", () => {
    for (const name of ["ready-aws", "ready-local"]) {
      const { body } = renderReport([viewOf(states[name]!)]);
      const visible = body.replace(/<\/summary>[\s\S]*?<\/details>/g, "");
      expect(visible.split("\n").length).toBeLessThanOrEqual(25);
    }
  });

  test("link to the commit, whatever the repository is called", () => {
    const view = { ...viewOf(ready), repository: "acme/shop) [x](https://evil.example" };
    const { skeleton } = shown(renderReport([view]).body);
    expect(skeleton.match(/<a /g)).toHaveLength(1);
    expect(skeleton).toContain(
      '"href":"https://github.com/acme/shop%29%20%5Bx%5D%28https://evil.example/pull/42',
    );
  });

  test("say that a create is refused for a fork", () => {
    const fork = states["skipped-fork"]!;
    expect(renderReport([viewOf(fork, { ...notices["accepted"]!, outcome: "fork" })]).body).toContain(
      "refused, because this version creates no databases for forks",
    );
  });

  test("say what is applied of a file that failed, whatever the numbers", () => {
    const range = fc.record({ index: fc.nat(9), count: fc.nat(9), applied: fc.nat(9) });
    fc.assert(
      fc.property(range, ({ index, count, applied }) => {
        const problem = { ...failed.problem, index, count };
        const state: ReportState = { ...failed, problem, appliedInFile: applied, connection: awsConnection };
        expect(renderReport([viewOf(state)]).body).toContain("**Next:** push a fix.");
      }),
    );
    const last = { ...failed, problem: { ...failed.problem, index: 5, count: 5 }, appliedInFile: 4 };
    expect(renderReport([viewOf(last)]).body).toContain("Statements 1 to 4 are applied; 5 is not.");
  });

  test("say which slots there are when there is one, or none", () => {
    const waiting = states["waiting"] as ReportState & { phase: "waiting" };
    const one = renderReport([viewOf({ ...waiting, limit: 1, here: 0, elsewhere: 1, holders: [] })]).body;
    expect(one).toContain("The only slot is taken: 0 in this repository and 1 in others.");
    expect(renderReport([viewOf({ ...waiting, limit: 0 })]).body).toContain("There is no slot at all");
  });
});

test("times are absolute and in UTC", () => {
  expect(clockText(at("03T04:05:06"))).toBe("04:05:06 UTC");
  expect(dayClockText(at("03T04:05:06"))).toBe("3 Nov 04:05 UTC");
});

test.each([
  [0, "under 0.1 s"],
  [8_249, "8.2 s"],
  [9_960, "10 s"],
  [59_600, "1 min"],
  [125_000, "2 min 5 s"],
  [3_600_000, "1 h"],
  [94_200_000, "1 d 2 h"],
  [-5, "under 0.1 s"],
])("%d ms are told as %s", (ms, text) => {
  expect(durationText(ms)).toBe(text);
});
