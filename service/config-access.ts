/** The variables of access: who may connect besides admin, who signs tokens, and where applications find their database. */
import type { Config, ReadFile } from "./config-shape.ts";
import { type AccessRule, READER_ROLE } from "./domain/access.ts";
import { ROLE_ARN, readAccess } from "./domain/access-list.ts";
import { parameterPrefixProblem } from "./domain/parameter-name.ts";
import type { Reader } from "./env-reader.ts";

const LIST = "OFFSHOOT_ACCESS";
const LIST_FILE = "OFFSHOOT_ACCESS_FILE";
const TOKEN_ROLE = "OFFSHOOT_TOKEN_ROLE_ARN";
const TENANT_TOKEN_ROLE = "OFFSHOOT_TENANT_TOKEN_ROLE_ARN";
const PREFIX = "OFFSHOOT_PARAMETER_PREFIX";
/** The longest list of ACCESS_RULES_MAX rules stays well below; a file by mistake does not. */
const LIST_CHARACTERS_MAX = 1_000_000;

/** Reads and checks them; problems go to `read`. */
export function accessConfig(read: Reader, readFile: ReadFile): Config["access"] {
  const expected = "the ARN of an IAM role, such as arn:aws:iam::123456789012:role/offshoot-token";
  const tokenRoleArn = read.optional(TOKEN_ROLE, ROLE_ARN, expected);
  const tenantTokenRoleArn = read.optional(TENANT_TOKEN_ROLE, ROLE_ARN, expected);
  const listed = rules(read, readFile);
  const signers = [
    [TOKEN_ROLE, tokenRoleArn],
    [TENANT_TOKEN_ROLE, tenantTokenRoleArn],
  ] as const;
  for (const [name, arn] of signers) {
    // A token of DbConnect fits every database role that its signer is mapped to, so a reader could be more than that.
    const isSigner = ({ iamRole, databaseRole }: AccessRule) =>
      iamRole === arn && databaseRole !== READER_ROLE;
    if (listed.some(isSigner)) {
      read.problem(name, "a role of the access list", `a role that is mapped to ${READER_ROLE} only`);
    }
  }
  if (tenantTokenRoleArn !== null && tokenRoleArn === null) {
    read.problem(TOKEN_ROLE, "nothing", `a role, because ${TENANT_TOKEN_ROLE} is set`);
  }
  return {
    rules: listed,
    tokenRoleArn,
    ...(tenantTokenRoleArn !== null && { tenantTokenRoleArn }),
    stsEndpoint: read.url("OFFSHOOT_STS_ENDPOINT", ["http:", "https:"], "") || null,
    ssmEndpoint: read.url("OFFSHOOT_SSM_ENDPOINT", ["http:", "https:"], "") || null,
    parameterPrefix: parameterPrefix(read),
  };
}

function rules(read: Reader, readFile: ReadFile): readonly AccessRule[] {
  const expected = `a JSON list of access rules, or its path in ${LIST_FILE}`;
  const given = read.optional(LIST, /^[\s\S]*$/, expected);
  const file = read.path(LIST_FILE, "the path of a JSON list of access rules");
  if (given !== null && file !== null) {
    read.problem(LIST_FILE, "a value", `nothing, because ${LIST} is set too`);
    return [];
  }
  if (file === null) return given === null ? [] : parse(read, LIST, given, expected);
  try {
    return parse(read, LIST_FILE, readFile(file), "a file with a JSON list of access rules");
  } catch {
    read.problem(LIST_FILE, file, "the path of a readable file");
    return [];
  }
}

/** Tells everything that is wrong with the list, but never repeats it: it names accounts, people and customers. */
function parse(read: Reader, name: string, text: string, expected: string): readonly AccessRule[] {
  const shown = `a text of ${text.length} characters`;
  if (text.length > LIST_CHARACTERS_MAX) {
    read.problem(name, shown, `at most ${LIST_CHARACTERS_MAX}`);
    return [];
  }
  const list = readAccess(text);
  if ("rules" in list) return list.rules;
  for (const problem of list.problems) read.problem(name, shown, `${expected}; ${problem}`);
  return [];
}

function parameterPrefix(read: Reader): string | null {
  const prefix = read.optional(PREFIX, /^[\s\S]*$/, "what the names of SSM parameters begin with");
  const problem = prefix === null ? null : parameterPrefixProblem(prefix);
  if (problem !== null) read.problem(PREFIX, JSON.stringify(prefix), `a prefix; it ${problem}`);
  return prefix;
}
