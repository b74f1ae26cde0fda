/** A pull request on a GitHub host, known by numbers that survive renames and transfers. */
export interface PullRef {
  readonly host: string;
  readonly repositoryId: number;
  readonly number: number;
}

/** The key of everything that is decided once per pull request: its intake and its report. */
export function pullKey(pull: PullRef): string {
  return `pull:${pull.host}:${pull.repositoryId}:${pull.number}`;
}

/** The unique key of one environment of a pull request. A pull request may have several databases. */
export function ownerKey(pull: PullRef, database: string): string {
  return `${pullKey(pull)}:${database}`;
}

/** A git branch that has a database of its own, independent of any pull request. */
export interface BranchRef {
  readonly host: string;
  readonly repositoryId: number;
  readonly gitBranch: string;
}

/** The key of everything that is decided once per git branch: its intake. A ref has no colon (git check-ref-format). */
export function branchKey(branch: BranchRef): string {
  return `branch:${branch.host}:${branch.repositoryId}:${branch.gitBranch}`;
}

/** The unique key of one environment of a git branch. */
export function branchOwnerKey(branch: BranchRef, database: string): string {
  return `${branchKey(branch)}:${database}`;
}

/** The unique key of a customer's environment. */
export function tenantOwnerKey(customerKey: string): string {
  return `tenant:${customerKey}`;
}

const PULL_KEY = /^pull:([^:]+):(\d{1,16}):(\d{1,10})$/;

/** The inverse of pullKey; null if the text is not such a key. */
export function parsePullKey(key: string): PullRef | null {
  const match = PULL_KEY.exec(key);
  if (!match) return null;
  return { host: String(match[1]), repositoryId: Number(match[2]), number: Number(match[3]) };
}

const BRANCH_KEY = /^branch:([^:]+):(\d{1,16}):([^:]{1,255})$/;

/** The inverse of branchKey; null if the text is not such a key. */
export function parseBranchKey(key: string): BranchRef | null {
  const match = BRANCH_KEY.exec(key);
  if (!match) return null;
  return { host: String(match[1]), repositoryId: Number(match[2]), gitBranch: String(match[3]) };
}

/** What git allows as the name of a branch (git check-ref-format), as far as an address and a key need it. */
export function isGitBranch(name: string): boolean {
  if (name.length === 0 || name.length > 255 || name === "@" || name.startsWith("-")) return false;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: exactly these are what git refuses
  if (/[\u0000-\u0020\u007f~^:?*[\\]|\.\.|@\{|\/\/|\.$|\/$|^\//.test(name)) return false;
  return name.split("/").every((part) => !part.startsWith(".") && !part.endsWith(".lock"));
}
