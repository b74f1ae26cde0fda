import type { Permission } from "../../service/handlers/ports.ts";
import type { Aws, AwsCluster } from "./aws.ts";
import { FAILING } from "./databases.ts";
import type { Deliveries } from "./deliveries.ts";
import { APP, type GitHubWorld, inSeconds, keyOf, type PullRequest, type Repository } from "./github.ts";
import { UNPARSABLE } from "./splitter.ts";
import type { Stage } from "./stage.ts";

const LOGINS: Readonly<Record<string, Permission>> = { ann: "admin", bob: "write", rita: "read" };
const COMMANDS = [
  "/db create",
  "/db create",
  "/db destroy",
  "/db destroy",
  "/db status",
  "/db help",
  "/db frobnicate",
  "/db destroy now",
  "Looks good to me",
  "> /db destroy",
];

/** What people, and machines that are not ours, do to GitHub and AWS. */
export interface People {
  /** When somebody does something next; null when they have gone home. */
  nextAt(): number | null;
  act(): void;
  /** Whatever stood in our way is taken away: suspended installations, hidden repositories. */
  goHome(): void;
}

interface Scene {
  readonly stage: Stage;
  readonly aws: Aws;
  readonly github: GitHubWorld;
  readonly deliveries: Deliveries;
}

export function createPeople(scene: Scene): People {
  const { stage, github } = scene;
  const { random } = stage;
  populate(scene);
  let left = random.between(4, 10);
  let next = stage.now().getTime();
  const deeds = deedsOf(scene);
  const turn = toggle(scene);
  /** Who closes a pull request by mistake opens it again. */
  let turned: PullRequest | null = null;
  return {
    nextAt: () => (left > 0 ? next : null),
    act() {
      left -= 1;
      next += gapMs(stage);
      const isAgain = turned !== null && random.happens(0.4);
      const pull = isAgain && turned ? turned : random.pick(github.pulls);
      const deed = isAgain ? turn : random.pick(deeds);
      turned = deed.name === turn.name ? pull : null;
      stage.say(`people ${deed.name} ${pull.key}`);
      deed.run(pull);
    },
    goHome() {
      for (const repository of github.repositories)
        Object.assign(repository, { hidden: false, suspended: false });
    },
  };
}

function gapMs({ random }: Stage): number {
  const kind = random.number();
  if (kind < 0.45) return random.between(1_000, 20_000);
  if (kind < 0.88) return random.between(20_000, 600_000);
  // Long enough for a closed preview to yield to whoever waits.
  if (kind < 0.94) return random.between(61 * 60_000, 75 * 60_000);
  return random.between(600_000, 4 * 3_600_000);
}

function populate({ stage, github, deliveries }: Scene): void {
  const { random } = stage;
  for (const id of [501, 502].slice(0, random.between(1, 2))) {
    const repository: Repository = {
      id,
      name: `shop/app${id}`,
      formerNames: new Set(),
      hidden: false,
      suspended: false,
      permissions: new Map(),
    };
    github.repositories.push(repository);
    for (const [login, permission] of Object.entries(LOGINS))
      github.setPermission(repository, login, permission);
  }
  const count = random.between(2, 3);
  for (let number = 1; number <= count; number += 1) {
    const pull = openPull(stage, random.pick(github.repositories), number);
    github.pulls.push(pull);
    github.commit(pull, new Map([["migrations/1.sql", [statement(stage, pull), statement(stage, pull)]]]));
    deliveries.emit(pull, "pull_request", "opened");
  }
}

function openPull(stage: Stage, repository: Repository, number: number): PullRequest {
  const isBot = stage.random.happens(0.05);
  return {
    key: keyOf(repository, number),
    repository,
    number,
    author: isBot ? "depbot[bot]" : stage.random.pick(["ann", "bob"]),
    authorIsBot: isBot,
    fork: stage.random.happens(0.05),
    createdAt: inSeconds(stage.now()),
    state: "open",
    merged: false,
    closedAt: null,
    headSha: "",
    commentDeleted: false,
    files: new Map(),
  };
}

/** Every statement names its pull request, so that one on a wrong cluster is seen. */
function statement({ random }: Stage, pull: PullRequest): string {
  const kind = random.happens(0.25) ? "create index" : "create table";
  return `${kind} /* ${pull.key}; */ t${random.between(0, 1e9)} (id int)`;
}

interface Deed {
  readonly name: string;
  run(pull: PullRequest): void;
}

function deedsOf(scene: Scene): readonly Deed[] {
  const often = [push(scene), push(scene), toggle(scene), toggle(scene), comment(scene)];
  return [...often, ...often, ...often, ...mischief(scene)];
}

/** Adds, changes, removes, breaks or mends statements. */
function push({ stage, github, deliveries }: Scene): Deed {
  const { random } = stage;
  return {
    name: "push",
    run(pull) {
      const sound = [...pull.files].map(([path, lines]): [string, readonly string[]] => [
        path,
        lines.filter((line) => !line.includes(FAILING) && line !== UNPARSABLE),
      ]);
      const files = new Map(sound);
      const last = [...files.keys()].at(-1) ?? "migrations/1.sql";
      const lines = files.get(last) ?? [];
      const kind = random.number();
      if (kind < 0.45) files.set(`migrations/${files.size + 1}.sql`, [statement(stage, pull)]);
      else if (kind < 0.65) files.set(last, [...lines.slice(0, -1), statement(stage, pull)]);
      else if (kind < 0.75) files.delete(last);
      else if (kind < 0.85) files.set(last, [...lines, `select ${FAILING}() /* ${pull.key}; */`]);
      else if (kind < 0.92) files.set(last, [...lines, UNPARSABLE]);
      github.commit(pull, files);
      if (pull.state === "open") deliveries.emit(pull, "pull_request", "synchronize");
    },
  };
}

function toggle({ stage, deliveries }: Scene): Deed {
  return {
    name: "close or reopen",
    run(pull) {
      const closing = pull.state === "open";
      if (!closing && pull.merged) return;
      pull.state = closing ? "closed" : "open";
      pull.merged = closing && stage.random.happens(0.3);
      pull.closedAt = closing ? inSeconds(stage.now()) : null;
      deliveries.emit(pull, "pull_request", closing ? "closed" : "reopened");
    },
  };
}

function comment({ stage, github, deliveries }: Scene): Deed {
  const { random } = stage;
  return {
    name: "comment",
    run(pull) {
      const author = random.pick([...Object.keys(LOGINS), "ann", "bob", "stranger"]);
      const written = github.addComment(pull, author, random.pick(COMMANDS));
      if (random.happens(0.05)) Object.assign(written, { edited: true });
      deliveries.emit(pull, "issue_comment", "created", written);
    },
  };
}

function mischief({ stage, aws, github, deliveries }: Scene): readonly Deed[] {
  const { random } = stage;
  const ours = (change: (cluster: AwsCluster) => void) => () => {
    const list = [...aws.clusters.values()].filter((cluster) => !cluster.foreign);
    if (list.length > 0) change(random.pick(list));
  };
  const flip = (what: "hidden" | "suspended") => (pull: PullRequest) => {
    pull.repository[what] = !pull.repository[what];
  };
  return [
    {
      name: "delete a cluster",
      run: ours((cluster) => cluster.status !== "CREATING" && !cluster.protected && aws.remove(cluster)),
    },
    { name: "protect a cluster", run: ours((cluster) => Object.assign(cluster, { protected: true })) },
    { name: "make a foreign cluster", run: () => aws.addForeign() },
    { name: "remove a foreign cluster", run: () => aws.removeForeign() },
    { name: "hide the repository", run: flip("hidden") },
    { name: "suspend the installation", run: flip("suspended") },
    {
      name: "rename the repository",
      run({ repository }) {
        repository.formerNames.add(repository.name);
        // Another repository takes the name, and the redirect ends.
        if (random.happens(0.3)) repository.formerNames.clear();
        repository.name = `shop/renamed${random.between(1, 99)}`;
      },
    },
    {
      name: "change permissions",
      run: (pull) => github.setPermission(pull.repository, "bob", random.pick(["read", "write", "none"])),
    },
    {
      name: "delete our comment",
      run(pull) {
        const our = [...github.comments.values()].find((one) => one.pull === pull && one.author === APP);
        if (!our) return;
        github.comments.delete(our.id);
        pull.commentDeleted = true;
      },
    },
    {
      name: "forge a delivery",
      run(pull) {
        const id = random.pick([999_999, ...github.comments.keys()]);
        const hint = { id, author: random.pick(["ann", "bob", "stranger"]), body: "/db destroy" };
        if (random.happens(0.3)) deliveries.emit(pull, "pull_request", "closed");
        else deliveries.emit(pull, "issue_comment", "created", hint);
      },
    },
  ];
}
