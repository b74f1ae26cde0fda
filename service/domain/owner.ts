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

const PULL_KEY = /^pull:([^:]+):(\d{1,16}):(\d{1,10})$/;

/** The inverse of pullKey; null if the text is not such a key. */
export function parsePullKey(key: string): PullRef | null {
  const match = PULL_KEY.exec(key);
  if (!match) return null;
  return { host: String(match[1]), repositoryId: Number(match[2]), number: Number(match[3]) };
}
