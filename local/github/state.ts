import { createApps } from "./app.ts";
import { createCheckRuns } from "./check-runs.ts";
import { createObjects } from "./git.ts";
import {
  type Account,
  type Comment,
  fullName,
  type Permission,
  type Pull,
  type Repository,
} from "./model.ts";

export const APP_ID = 1001;
export const APP_SLUG = "offshoot-local";
export const CLIENT_ID = "Iv23liOffshootLocal0";
export const INSTALLATION_ID = 5001;
export const HOOK_ID = 6001;
export const BASE_BRANCH = "main";

/** Everything that this GitHub knows; gone when the process ends. */
export type State = ReturnType<typeof createState>;

/** Unique over the whole host, whatever they belong to, so that no id works as another kind's by chance. */
const FIRST_ID = 7_100_000;
const FIRST_REPOSITORY_ID = 4001;
/** More than one start makes of anything. */
const IDS_PER_START = 1_000_000;
const REPOSITORY_IDS_PER_START = 100;

/**
 * The organisation `acme` with two repositories, its people, and the installed App. What an earlier start knew is gone, but
 * not from the service's store, so no id of it comes again: in goes how many starts there were before.
 */
export function createState(startsBefore: number) {
  let lastId = FIRST_ID + startsBefore * IDS_PER_START;
  const firstRepositoryId = FIRST_REPOSITORY_ID + startsBefore * REPOSITORY_IDS_PER_START;
  const nextId = () => {
    lastId += 1;
    return lastId;
  };
  const account = (login: string, type: Account["type"] = "User"): Account => ({ login, id: nextId(), type });
  const organisation = account("acme", "Organization");
  const people = ["alice", "wendy", "rita", "mallory"].map((login) => account(login));
  const renovate = account("renovate[bot]", "Bot");
  const bot = account(`${APP_SLUG}[bot]`, "Bot");
  const accounts = [organisation, ...people, renovate, bot];
  const repositories = SEEDS.map((seed, index) =>
    seedRepository(seed, organisation, firstRepositoryId + index),
  );
  const installed = [...repositories];

  return {
    nextId,
    apps: createApps(),
    checks: createCheckRuns(nextId),
    organisation,
    /** Who writes what is written through the App. */
    bot,
    /** Accounts that may act over the local API. */
    actors: [...people, renovate] as readonly Account[],
    createdAt: new Date(),
    /** Those that the App is installed on; forks are not. */
    installed: installed as readonly Repository[],
    /** Finds an account by its login, whatever its case. */
    account: (login: string): Account | undefined => accounts.find((one) => sameName(one.login, login)),
    /** Finds a repository by owner/name, whatever the case. */
    repository: (name: string): Repository | undefined =>
      repositories.find((one) => sameName(fullName(one), name)),
    ...names({ repositories, installed, organisation, nextId }),
    /** The author's fork, made when it is missing. */
    fork(parent: Repository, owner: Account): Repository {
      const name = `${owner.login}/${parent.name}`;
      const existing = repositories.find((one) => sameName(fullName(one), name));
      if (existing) return existing;
      const now = new Date();
      const fork: Repository = {
        ...{ ...parent, parent, owner, id: nextId(), createdAt: now, pushedAt: now, pulls: [] },
        branches: new Map(parent.branches),
        collaborators: new Map<string, Permission>([[owner.login.toLowerCase(), "admin"]]),
      };
      repositories.push(fork);
      return fork;
    },
    pull: (repository: Repository, number: number): Pull | undefined =>
      repository.pulls.find((pull) => pull.number === number),
    comment: (repository: Repository, id: number): Comment | undefined =>
      repository.pulls.flatMap(({ comments }) => comments).find((comment) => comment.id === id),
  };
}

interface Repositories {
  readonly repositories: Repository[];
  readonly installed: Repository[];
  readonly organisation: Account;
  nextId(): number;
}

/** Names come and go; the id of a repository stays. */
function names({ repositories, installed, organisation, nextId }: Repositories) {
  /** Name, in lower case, that a repository had before -> its id; until another takes the name. */
  const former = new Map<string, number>();
  return {
    repositoryOfId: (id: number): Repository | undefined => repositories.find((one) => one.id === id),
    /** The id of the repository that had this name and moved, while nobody else has taken it. */
    movedFrom: (name: string): number | undefined => former.get(name.toLowerCase()),
    /** Gives it another name. GitHub then leads from the old one to it. */
    rename(repository: Repository, name: string): void {
      former.set(fullName(repository).toLowerCase(), repository.id);
      repository.name = name;
      former.delete(fullName(repository).toLowerCase());
    },
    /** A public repository of the organisation, with its creator's files; the App is installed on all of them. */
    create(name: string, creator: Account, files: Readonly<Record<string, string>>): Repository {
      const seed = { name, description: "", private: false, immutableSubject: true, files };
      const collaborators = new Map<string, Permission>([[creator.login.toLowerCase(), "admin"]]);
      const made = { ...seedRepository(seed, organisation, nextId()), collaborators };
      former.delete(fullName(made).toLowerCase());
      repositories.push(made);
      installed.push(made);
      return made;
    },
  };
}

interface Seed {
  readonly name: string;
  readonly description: string;
  readonly private: boolean;
  readonly immutableSubject: boolean;
  readonly files: Readonly<Record<string, string>>;
}

function seedRepository(seed: Seed, owner: Account, id: number): Repository {
  const objects = createObjects();
  const now = new Date();
  const details = { parents: [], author: "alice", email: "alice@users.noreply.local", at: now };
  const files = new Map(Object.entries(seed.files));
  const commit = objects.writeCommit(files, { ...details, message: "First schema" });
  return {
    ...{ id, owner, name: seed.name, description: seed.description, private: seed.private },
    immutableSubject: seed.immutableSubject,
    ...{ parent: null, objects, pulls: [], createdAt: now, pushedAt: now },
    branches: new Map([[BASE_BRANCH, commit.sha]]),
    collaborators: new Map<string, Permission>([
      ["alice", "admin"],
      ["wendy", "write"],
      ["rita", "read"],
      ["renovate[bot]", "write"],
    ]),
  };
}

function sameName(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

const SEEDS: readonly Seed[] = [
  {
    name: "shop",
    description: "The shop",
    private: false,
    immutableSubject: false,
    files: {
      "README.md": "# shop\n\nEvery pull request gets a database of its own.\n",
      "migrations/0001_customers.sql": `-- People who buy.
CREATE TABLE customers (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  email text NOT NULL,
  name text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX customers_email_idx ON customers (email);
`,
      "migrations/0002_orders.sql": `-- What they buy.
CREATE TABLE orders (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  customer_id uuid NOT NULL,
  cents bigint NOT NULL,
  note text,
  placed_at timestamptz NOT NULL DEFAULT now()
);
`,
    },
  },
  {
    name: "blog",
    description: "What we write about the shop",
    private: true,
    immutableSubject: true,
    files: {
      "README.md": "# blog\n",
      "migrations/0001_posts.sql": `CREATE TABLE posts (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  title text NOT NULL,
  body text NOT NULL
);
`,
    },
  },
];
