import { parseCommand } from "../../service/domain/command.ts";
import type { AwsCluster } from "./aws.ts";
import { tagOf } from "./keeper.ts";
import type { ClusterSeen, EnvironmentSeen, Snapshot } from "./snapshot.ts";
import { Broken } from "./stage.ts";
import { planAt, pullOf, type World } from "./world.ts";

/** The promises of design.md section 1, as far as one moment shows them. Throws Broken. */
export async function checkPromises(world: World, seen: Snapshot): Promise<void> {
  const rows = new Map(seen.cluster.map((row) => [row.id, row]));
  const environments = new Map(seen.environment.map((row) => [row.id, row]));
  checkLeaks(world, rows);
  checkSlots(world, seen);
  checkServing(seen, environments);
  checkWhereSqlRan(world, seen, rows, environments);
  checkCommands(world, seen);
  for (const environment of seen.environment) await checkReady(world, environment, rows);
}

function ours({ aws }: World): readonly AwsCluster[] {
  return [...aws.clusters.values()].filter((cluster) => !cluster.foreign);
}

/** Promise 2 and 3: every cluster at AWS has its intent, and no intent has two. */
function checkLeaks(world: World, rows: ReadonlyMap<string, ClusterSeen>): void {
  const known = new Map<string, string>();
  for (const cluster of ours(world)) {
    const id = tagOf(cluster);
    const row = rows.get(id);
    if (!row) throw new Broken("leak", `${cluster.identifier} has no row`);
    if (row.status === "gone") throw new Broken("leak", `${cluster.identifier} exists, but ${id} is gone`);
    if (row.identifier && row.identifier !== cluster.identifier) {
      throw new Broken("leak", `${cluster.identifier} exists, but ${id} knows ${row.identifier}`);
    }
    const other = known.get(id);
    if (other) throw new Broken("two", `${id} has ${other} and ${cluster.identifier}`);
    known.set(id, cluster.identifier);
  }
}

function checkSlots({ maxClusters }: World, seen: Snapshot): void {
  const held = seen.cluster.filter((row) => row.status !== "gone").length;
  if (held > maxClusters) throw new Broken("slots", `${held} clusters, ${maxClusters} are allowed`);
}

/** Promise 3: a cluster that serves is linked by its own environment, as the serving or the next one. */
function checkServing(seen: Snapshot, environments: ReadonlyMap<string, EnvironmentSeen>): void {
  for (const row of seen.cluster) {
    if (row.status === "gone" || row.use !== "serve") continue;
    const environment = environments.get(row.environment_id);
    if (!environment || (environment.serving_id !== row.id && environment.next_id !== row.id)) {
      throw new Broken("two", `${row.id} serves, but ${row.environment_id} does not know it`);
    }
  }
  for (const environment of seen.environment) {
    for (const id of [environment.serving_id, environment.next_id]) {
      const row = seen.cluster.find((one) => one.id === id);
      if (id && row?.environment_id !== environment.id) {
        throw new Broken("wrong database", `${environment.id} links ${id} of ${row?.environment_id}`);
      }
    }
  }
}

/** Promise 1, and the ledger: what a cluster executed is its own owner's, once, and written down. */
function checkWhereSqlRan(
  world: World,
  seen: Snapshot,
  rows: ReadonlyMap<string, ClusterSeen>,
  environments: ReadonlyMap<string, EnvironmentSeen>,
): void {
  for (const cluster of ours(world)) {
    const id = tagOf(cluster);
    const environment = environments.get(rows.get(id)?.environment_id ?? "");
    const owner = environment?.pull_key ?? environment?.owner_key;
    const ledger = seen.statement.filter((entry) => entry.cluster_id === id);
    const executed = new Set<string>();
    for (const { file, index, checksum, sql } of cluster.executed) {
      const what = `${file}#${index} ${checksum}`;
      if (!sql.includes(`${owner};`)) {
        throw new Broken("wrong database", `${cluster.identifier} of ${owner} ran ${sql}`);
      }
      if (executed.has(what)) throw new Broken("ledger", `${cluster.identifier} ran ${what} twice`);
      executed.add(what);
    }
    const written = new Set(ledger.map((entry) => `${entry.file}#${entry.index_in_file} ${entry.checksum}`));
    const unwritten = [...executed].find((what) => !written.has(what));
    if (unwritten)
      throw new Broken("ledger", `${cluster.identifier} ran ${unwritten}, which ${id} does not know`);
    const claimed = ledger.find(
      ({ state, file, index_in_file, checksum }) =>
        state === "applied" && !executed.has(`${file}#${index_in_file} ${checksum}`),
    );
    if (claimed) throw new Broken("ledger", `${id} says that ${claimed.file} was applied, but it was not`);
  }
}

/** Promise 4: verified means that the plan of this generation ran, and that a query was answered afterwards. */
async function checkReady(
  world: World,
  environment: EnvironmentSeen,
  rows: ReadonlyMap<string, ClusterSeen>,
): Promise<void> {
  const row = rows.get(environment.serving_id ?? "");
  const cluster = world.aws.former.get(row?.identifier ?? "");
  if (
    !row ||
    !cluster ||
    environment.wanted !== "present" ||
    row.verified_generation !== environment.generation
  )
    return;
  const plan = await planAt(world, environment);
  const wanted = plan?.map((statement) => statement.checksum).join();
  if (wanted !== cluster.executed.map((statement) => statement.checksum).join()) {
    throw new Broken(
      "false ready",
      `${row.id} is verified, but ran another plan than ${environment.head_sha}`,
    );
  }
  if (cluster.verifiedAfter !== cluster.executed.length) {
    throw new Broken("false ready", `${row.id} is verified, but answered no query after its last statement`);
  }
}

/** Only a comment that exists, by somebody who could write, is an accepted command. */
function checkCommands({ github }: World, seen: Snapshot): void {
  for (const command of seen.command) {
    const comment = github.everComment(command.comment_id);
    const pull = pullOf(github, command.pull_key);
    const own = comment?.pull === pull && comment.author === command.author;
    if (!comment || !own) throw new Broken("command", `nobody wrote comment ${command.comment_id}`);
    if (command.outcome !== "accepted") continue;
    const parsed = parseCommand(comment.body);
    const same = parsed.kind === "command" && parsed.verb === command.verb && !comment.edited;
    if (!same || !github.couldWrite(pull.repository, command.author, comment.createdAt)) {
      throw new Broken("command", `${command.verb} by ${command.author} must not have been accepted`);
    }
  }
}
