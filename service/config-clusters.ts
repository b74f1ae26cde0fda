/** The variables of how clusters are made: by stacks or by themselves, with which tags and key. */
import type { Config } from "./config-shape.ts";
import { ROLE_ARN } from "./domain/access-list.ts";
import { extraTagsProblem, readExtraTags } from "./domain/extra-tags.ts";
import type { Reader } from "./env-reader.ts";

const TAGS = "OFFSHOOT_EXTRA_TAGS";
const POLICY_ARN = /^arn:aws[a-z-]*:iam::(\d{12}|aws):policy\/[\w+=,.@/-]{1,512}$/;
/** A key or an alias of one, which CloudFormation and DSQL both take (dsql.md 1.3). */
const KEY_ARN = /^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:(key|alias)\/[\w/-]{1,256}$/;
/** With a cluster's id of 25 characters well below the 128 of a name, and the role's 64 keep what tells them apart. */
const PREFIX = /^[A-Za-z][A-Za-z0-9-]{0,24}$/;

/** Reads and checks them; problems go to `read`. */
export function clustersConfig(read: Reader): Config["clusters"] {
  const role = (name: string) => read.optional(name, ROLE_ARN, "the ARN of an IAM role");
  return {
    stacks: {
      for: read.oneOf("OFFSHOOT_STACKS", ["none", "previews", "all"], "none"),
      prefix: read.text(
        "OFFSHOOT_STACK_PREFIX",
        PREFIX,
        "a letter, then letters, digits and hyphens, 25 at most",
        "offshoot-",
      ),
      roleArn: role("OFFSHOOT_STACK_ROLE_ARN"),
      boundaryArn: read.optional("OFFSHOOT_STACK_BOUNDARY_ARN", POLICY_ARN, "the ARN of an IAM policy"),
      endpoint: read.url("OFFSHOOT_CLOUDFORMATION_ENDPOINT", ["http:", "https:"], "") || null,
    },
    extraTags: extraTags(read),
    kmsKeyArn: read.optional("OFFSHOOT_KMS_KEY_ARN", KEY_ARN, "the ARN of a KMS key or of an alias"),
  };
}

function extraTags(read: Reader): Config["clusters"]["extraTags"] {
  const given = read.optional(TAGS, /^[\s\S]*$/, "tags key=value, separated by commas");
  const problem = given === null ? null : extraTagsProblem(given);
  if (problem !== null)
    read.problem(TAGS, JSON.stringify(given), `tags key=value, separated by commas; ${problem}`);
  return given === null || problem !== null ? {} : readExtraTags(given);
}
