import type {
  CommandNotice,
  Connection,
  ReadyTimings,
  ReportState,
  ReportView,
} from "../../service/domain/report.ts";
import { outside } from "../../service/domain/text.ts";

const HOST = "kiqenqglxyl2snyvkvnj2c3s2e.dsql.eu-central-1.on.aws";

/** Texts from outside, wherever a view holds one. */
export interface OutsideTexts {
  readonly name: string;
  readonly file: string;
  readonly sql: string;
  readonly message: string;
}

const HARMLESS: OutsideTexts = {
  name: "shop",
  file: "migrations/0007_orders.sql",
  sql: "ALTER TABLE orders ADD COLUMN discount_cents bigint NOT NULL DEFAULT 0",
  message: "ALTER TABLE ADD COLUMN with constraint not supported",
};

export function viewOf(
  state: ReportState,
  notice: CommandNotice | null = null,
  name: string = HARMLESS.name,
): ReportView {
  return {
    environmentId: "env_01kavq3w8nf0",
    database: outside(name),
    repository: "acme/shop",
    webUrl: "https://github.com",
    number: 42,
    headSha: "3f9c2e1a8b7d6c5f4e3d2c1b0a9f8e7d6c5b4a39",
    state,
    notice,
  };
}

export function at(time: string): Date {
  return new Date(`2026-11-${time}Z`);
}

export const awsConnection: Connection = {
  host: HOST,
  region: "eu-central-1",
  user: "admin",
  database: "postgres",
  connectTo: null,
  command: null,
  environment: null,
  roles: null,
  signInUrl: "https://offshoot.acme.dev/acme/shop/pull/42",
};

export const localConnection: Connection = {
  ...awsConnection,
  connectTo: { address: "127.0.0.1", port: 54320, caFile: "/home/alice/off shoot/ca.pem" },
  command: "scripts/connect 42",
  environment: "AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local",
  signInUrl: null,
};

const ROLES = {
  connect: "arn:aws:iam::111122223333:role/offshoot-cl-01kavq3w8nf0-ConnectRole-1A2B3C4D5E6F",
  reader: "arn:aws:iam::111122223333:role/offshoot-cl-01kavq3w8nf0-ReaderRole-1A2B3C4D5E6F",
};

export function timingsOf(file: string): ReadyTimings {
  return {
    totalMs: 41_000,
    createMs: 31_000,
    migrateMs: 8_200,
    verifyMs: 400,
    files: [
      { file: "migrations/0006_invoices.sql", statements: 4, ms: 1_100 },
      { file, statements: 3, ms: 6_800 },
      { file: "migrations/0008_backfill.sql", statements: 2, ms: 300 },
    ],
  };
}

const HOLDERS = [35, 31, 33, 38, 40, 41].map((number, index) => ({
  number,
  since: at(`${12 + index}T09:00:00`),
  until: at(`${24 + (index % 3)}T09:00:00`),
}));

/** One state for each text that people read, by the name of its golden file. */
export function statesOf(texts: OutsideTexts = HARMLESS): Readonly<Record<string, ReportState>> {
  return {
    ...progressStates(texts),
    ...reachableStates(texts),
    ...waitingStates(),
    ...endStates(texts),
  };
}

function progressStates(texts: OutsideTexts): Record<string, ReportState> {
  const since = at("23T14:02:07");
  const creating = { phase: "creating", since, host: null, migrationFiles: 3, trouble: null } as const;
  const migrating = { phase: "migrating", done: 5, total: 9, file: texts.file, line: 14, since } as const;
  return {
    queued: { phase: "queued", seenAt: at("23T14:02:06") },
    creating,
    "creating-host": { ...creating, host: HOST },
    "creating-refused": { ...creating, trouble: { code: "create_refused", text: null } },
    "creating-slow": { ...creating, trouble: { code: "create_slow", text: null } },
    "creating-rolled-back": {
      ...creating,
      trouble: { code: "create_rolled_back", text: outside(texts.message) },
    },
    restoring: { phase: "restoring", since, host: HOST },
    "creating-other": { ...creating, trouble: { code: "token_conflict", text: null } },
    migrating: { ...migrating, building: false },
    "migrating-building": { ...migrating, building: true },
    "migrating-first": { ...migrating, done: 0, file: "", line: 0, building: false },
    verifying: { phase: "verifying", since, statements: 9 },
    unverified: { phase: "unverified", since, cause: outside(texts.message) },
  };
}

function reachableStates(texts: OutsideTexts): Record<string, ReportState> {
  const problem = {
    file: texts.file,
    line: 14,
    index: 2,
    count: 3,
    sql: texts.sql,
    code: "0A000",
    message: texts.message,
  };
  const ready = {
    phase: "ready",
    connection: awsConnection,
    baseRef: outside(texts.name === HARMLESS.name ? "main" : texts.name),
    migrationFiles: 3,
    verifiedAt: at("23T14:02:48"),
    until: at("26T14:02:00"),
    timings: timingsOf(texts.file),
    trouble: null,
  } as const;
  const unread = { ...problem, index: 0, count: 0, sql: "", code: "42601" };
  return {
    "ready-aws": ready,
    "ready-stack": {
      ...ready,
      connection: { ...awsConnection, roles: ROLES },
      trouble: { code: "update_failed", text: outside(texts.message) },
    },
    "ready-local": { ...ready, connection: localConnection },
    failed: { phase: "failed", problem, appliedInFile: 1, connection: awsConnection },
    "failed-no-cluster": { phase: "failed", problem: unread, appliedInFile: 0, connection: null },
  };
}

function waitingStates(): Record<string, ReportState> {
  const since = at("23T14:02:07");
  const waiting = { phase: "waiting", since, position: 3, here: 6, elsewhere: 12, holders: HOLDERS } as const;
  return {
    waiting: { ...waiting, scope: "slots", limit: 18 },
    "waiting-author": { ...waiting, scope: "author", limit: 3 },
    "waiting-repository": { ...waiting, scope: "repository", limit: 10, holders: HOLDERS.slice(0, 2) },
  };
}

function endStates(texts: OutsideTexts): Record<string, ReportState> {
  const ended = at("23T16:21:00");
  const closed = { phase: "closed", at: ended, reason: "pull_closed", trouble: null } as const;
  const destroyed = {
    phase: "destroyed",
    at: at("24T16:24:00"),
    livedMs: 94_200_000,
    statements: 9,
  } as const;
  return {
    retired: { phase: "retired", reason: "pull_closed", keptUntil: at("24T16:20:00"), fencedAt: ended },
    "retired-revoking": {
      phase: "retired",
      reason: "pull_merged",
      keptUntil: at("24T16:20:00"),
      fencedAt: null,
    },
    "retired-expired": { phase: "retired", reason: "expired", keptUntil: at("24T16:20:00"), fencedAt: ended },
    closed,
    "closed-command": { ...closed, reason: "command_destroy" },
    "closed-blocked": { ...closed, trouble: { code: "remove_blocked", text: outside(texts.message) } },
    "closed-protected": { ...closed, trouble: { code: "protected", text: null } },
    destroyed: { ...destroyed, reason: "pull_merged" },
    "destroyed-expired": { ...destroyed, reason: "expired" },
    "destroyed-never-created": { ...destroyed, livedMs: null, statements: 0, reason: "pull_closed" },
    "skipped-fork": { phase: "skipped", reason: "fork" },
    "skipped-bot": { phase: "skipped", reason: "bot" },
    "skipped-older": { phase: "skipped", reason: "opened_before_installation" },
  };
}

const NOTICE: CommandNotice = {
  verb: "create",
  author: outside("alice"),
  at: at("23T15:10:09"),
  outcome: "accepted",
};

/** One notice for each outcome, by the name of its golden file. */
export const notices: Readonly<Record<string, CommandNotice>> = {
  accepted: NOTICE,
  status: { ...NOTICE, verb: "status", outcome: "answered" },
  help: { ...NOTICE, verb: "help", outcome: "answered" },
  "needs-write": { ...NOTICE, outcome: "needs_write" },
  unknown: { ...NOTICE, verb: "unknown", outcome: "unknown_verb" },
  edited: { ...NOTICE, verb: "destroy", outcome: "edited" },
  "bad-arguments": { ...NOTICE, verb: "destroy", outcome: "bad_arguments" },
};
