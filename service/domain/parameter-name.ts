import type { Environment } from "./environment.ts";
import { KIND_TAG, SERVICE_TAG } from "./names.ts";
import { textDigest } from "./text-digest.ts";

/**
 * The rules of SSM (PutParameter): letters, digits and _.- between slashes, at most 15 levels, at most 1,011 characters
 * with the ARN before them, never beginning with "aws" or "ssm". The longest ARN before a name has 60 characters.
 */
export const PARAMETER_NAME_MAX = 1_011 - 60;
export const PARAMETER_LEVELS_MAX = 15;
/** What may stand before: five levels and 850 characters are left for the owner. */
const PREFIX_LEVELS_MAX = 5;
const PREFIX_MAX = 100;
const PREFIX = /^(?:\/[A-Za-z0-9_.-]+)+$/;
const RESERVED = /^\/(?:aws|ssm)/i;

/**
 * The longest encoded text of each level. GitHub's logins have 39 characters of which none needs more than three, its
 * repositories 100; only what people may name at will can be longer, and is cut.
 */
const LEVEL_MAX = { login: 117, repository: 300, gitBranch: 255, database: 160, customerKey: 384 } as const;

/** What is wrong with a prefix, as words that follow its name; null if names can be made with it. */
export function parameterPrefixProblem(prefix: string): string | null {
  if (prefix.length > PREFIX_MAX) return `must have at most ${PREFIX_MAX} characters`;
  if (!PREFIX.test(prefix)) return "must be like /offshoot: levels of letters, digits and _.- after a slash";
  if (RESERVED.test(prefix)) return 'must not begin with "aws" or "ssm", which SSM keeps for itself';
  if (prefix.split("/").length - 1 > PREFIX_LEVELS_MAX)
    return `must have at most ${PREFIX_LEVELS_MAX} levels`;
  return null;
}

type ParameterOwner = Pick<Environment, "kind" | "number" | "gitBranch" | "customerKey" | "database">;

/**
 * The name under which an application finds its database. Different owners never share one: levels are encoded one by
 * one, and each kind has a number of levels, or a word, of its own. `repositoryName` as owner/name; null for a tenant.
 */
export function parameterName(prefix: string, owner: ParameterOwner, repositoryName: string | null): string {
  const { kind, number, gitBranch, customerKey, database } = owner;
  if (kind === "tenant") return `${prefix}/tenant/${level(customerKey ?? "", LEVEL_MAX.customerKey)}`;
  const place = kind === "pull" ? `pull/${number}` : `branch/${level(gitBranch ?? "", LEVEL_MAX.gitBranch)}`;
  return `${repositoryPath(prefix, repositoryName ?? "")}/${place}/${level(database, LEVEL_MAX.database)}`;
}

/** What all names of a repository begin with, as a policy must say it. */
export function repositoryPath(prefix: string, repositoryName: string): string {
  const slash = repositoryName.indexOf("/");
  const login = repositoryName.slice(0, Math.max(slash, 0));
  const name = repositoryName.slice(slash + 1);
  return `${prefix}/${level(login, LEVEL_MAX.login)}/${level(name, LEVEL_MAX.repository)}`;
}

/** The tags that make a parameter ours, and which environment's. */
export function parameterTags({
  id,
  kind,
}: Pick<Environment, "id" | "kind">): Readonly<Record<string, string>> {
  return {
    [SERVICE_TAG]: "offshoot",
    "offshoot:environment": id,
    [KIND_TAG]: kind === "tenant" ? "tenant" : "preview",
  };
}

const KEPT = /[A-Za-z0-9.-]/;
/** Two underscores never come from encoding, so a cut text is never another's whole one. */
const CUT_MARK = "__";
const DIGEST_CHARACTERS = 16;

/**
 * One level: letters, digits, dots and hyphens as they are, every other byte as `_` and two hexadecimal digits, so that
 * different texts differ. A text that is too long ends in its digest; if two digests ever were the same, the tags still
 * keep the parameter from being overwritten.
 */
function level(text: string, max: number): string {
  let encoded = "";
  for (const byte of new TextEncoder().encode(text)) {
    const character = String.fromCharCode(byte);
    encoded += KEPT.test(character) ? character : `_${byte.toString(16).padStart(2, "0")}`;
  }
  if (encoded === "") return "_";
  if (encoded.length <= max) return encoded;
  return encoded.slice(0, max - CUT_MARK.length - DIGEST_CHARACTERS) + CUT_MARK + textDigest(text);
}
