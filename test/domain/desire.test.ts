import { describe, expect, it } from "vitest";
import { type DesireFacts, decideWanted } from "../../service/domain/desire.ts";

const HEAD = "1".repeat(40);
const at = (minute: number) => new Date(Date.UTC(2026, 10, 23, 12, minute));
const create = (minute: number) => ({ verb: "create" as const, commentedAt: at(minute) });
const destroy = (minute: number) => ({ verb: "destroy" as const, commentedAt: at(minute) });
const was = (
  reason: "pull_open" | "pull_closed" | "expired" | "opened_before_installation",
  minute = 10,
) => ({
  wanted: reason === "pull_open" ? ("present" as const) : ("absent" as const),
  reason,
  headSha: HEAD,
  wantedAt: at(minute),
});

const OPENED: DesireFacts = {
  open: true,
  merged: false,
  closedAt: null,
  headSha: HEAD,
  fork: false,
  authorIsBot: false,
  command: null,
  activity: true,
  existing: null,
};
const CLOSED = { open: false, closedAt: at(20), existing: was("pull_open") };
const EXPIRED = { existing: was("expired", 30) };

const ROWS: readonly [string, Partial<DesireFacts>, string][] = [
  ["was opened", {}, "present pull_open"],
  ["was open before the installation", { activity: false }, "absent opened_before_installation"],
  [
    "was open before the installation, and is pushed to",
    { existing: was("opened_before_installation") },
    "present pull_open",
  ],
  [
    "was open before the installation, and a create came",
    { activity: false, command: create(1) },
    "present command_create",
  ],
  ["is a bot's", { authorIsBot: true }, "absent bot"],
  ["is a bot's, and a create came", { authorIsBot: true, command: create(1) }, "present command_create"],
  ["comes from a fork", { fork: true }, "absent fork"],
  ["comes from a fork, and a create came", { fork: true, command: create(1) }, "absent fork"],
  ["was destroyed", { command: destroy(1), existing: was("pull_open") }, "absent command_destroy"],
  ["was closed", CLOSED, "absent pull_closed"],
  ["was merged", { ...CLOSED, merged: true }, "absent pull_merged"],
  ["was closed after a create", { ...CLOSED, command: create(19) }, "absent pull_closed"],
  ["was closed in the second of a create", { ...CLOSED, command: create(20) }, "absent pull_closed"],
  ["was closed before a create", { ...CLOSED, command: create(21) }, "present command_create"],
  [
    "was reopened after a create",
    { command: create(19), existing: was("pull_closed") },
    "present command_create",
  ],
  [
    "was reopened after a destroy",
    { command: destroy(19), existing: was("pull_closed") },
    "absent command_destroy",
  ],
  ["ran out of time", EXPIRED, "absent expired"],
  ["ran out of time after a create", { ...EXPIRED, command: create(29) }, "absent expired"],
  ["ran out of time before a create", { ...EXPIRED, command: create(31) }, "present command_create"],
  ["ran out of time before a push", { ...EXPIRED, headSha: "2".repeat(40) }, "present pull_open"],
  [
    "was closed, created again, and ran out of time",
    { ...CLOSED, ...EXPIRED, command: create(21) },
    "absent expired",
  ],
  [
    "was closed, created again, ran out of time, and created again",
    { ...CLOSED, ...EXPIRED, command: create(31) },
    "present command_create",
  ],
  ["ran out of time and was closed then", { ...CLOSED, ...EXPIRED }, "absent pull_closed"],
];

describe("the database of a pull request that", () => {
  it.each(ROWS)("%s: %o is wanted %s", (_name, facts, expected) => {
    const { wanted, reason } = decideWanted({ ...OPENED, ...facts });
    expect(`${wanted} ${reason}`).toBe(expected);
  });
});
