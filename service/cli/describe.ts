/** How environments are shown to people. */
import type { Environment, Event, Operation, Started } from "../client/client.ts";
import { placeOf } from "./target.ts";
import { facts, type Io, shown, table, time } from "./terminal.ts";

/** A table of environments. */
export function environmentTable(io: Io, environments: readonly Environment[]): string {
  const rows = environments.map((one) => [
    placeOf(one),
    one.owner.database ?? "",
    one.phase,
    time(one.retiredUntil ?? one.until),
    labelText(one),
    one.id,
  ]);
  return table(io, ["FOR", "DATABASE", "PHASE", "UNTIL (UTC)", "LABELS", "ID"], rows);
}

/** Everything that is known of one environment. */
export function environmentFacts(io: Io, one: Environment): string {
  const { failure, endpoint, migrations } = one;
  const where = failure?.file ? ` at ${failure.file}${failure.line ? `:${failure.line}` : ""}` : "";
  return facts(io, [
    ["for", placeOf(one)],
    ["database", one.owner.database],
    ["id", one.id],
    ["phase", one.phase],
    ["failure", failure && `${failure.reason}${where}: ${failure.message}`],
    ["wanted", `${one.wanted} (${one.reason})`],
    ["host", endpoint?.host ?? null],
    ["migrations", `${migrations.applied} of ${migrations.statements} statements`],
    ["labels", labelText(one) || null],
    ["protected", one.protected ? "yes" : null],
    ["created", time(one.createdAt)],
    ["ready", one.readyAt && time(one.readyAt)],
    ["until", one.until && time(one.until)],
    ["restorable until", one.retiredUntil && time(one.retiredUntil)],
    ["ended", one.endedAt && time(one.endedAt)],
    ["revision", String(one.revision)],
  ]);
}

/** What a request began, in one line. */
export function startedText({ environment, operation }: Started): string {
  const what = operation
    ? `${operation.kind} ${operation.status} (${operation.id})`
    : "nothing had to be changed";
  return shown(`${placeOf(environment)}: ${environment.phase}; ${what}`);
}

export function endedText(environment: Environment, operation: Operation | null): string {
  return shown(
    `${placeOf(environment)}: ${environment.phase}${operation ? ` (${operation.kind} done)` : ""}`,
  );
}

/** One line of history. */
export function eventText({ at, kind, actor, detail }: Event): string {
  return shown(`${time(at)}  ${kind}${actor ? ` by ${actor}` : ""}  ${detail ?? ""}`.trimEnd());
}

function labelText({ labels }: Environment): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(" ");
}
