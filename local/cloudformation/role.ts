import { createHash } from "node:crypto";
import { roleIdOf } from "../dsql/principals.ts";
import { checkNames, type Making, ResourceError, type ResourceType } from "./resource-type.ts";

const PROPERTIES = [
  ...["AssumeRolePolicyDocument", "Description", "ManagedPolicyArns", "MaxSessionDuration"],
  ...["Path", "PermissionsBoundary", "Policies", "RoleName", "Tags"],
];

const POLICY_ARN = /^arn:aws[a-z-]*:iam::(?:\d{12}|aws):policy\/[\w+=,.@/-]{1,512}$/;
/** IAM's limit for the name of a role. */
const MAX_NAME_LENGTH = 64;
const SUFFIX_LENGTH = 12;

/**
 * AWS::IAM::Role, recorded and nothing more: the local STS lets every role of the account be assumed, and what its policies say is
 * not evaluated. Its name and ARN are as AWS makes them, so AWS IAM GRANT and AssumeRole take them.
 */
export function roleType(accountId: string): ResourceType {
  return {
    attributes: ["Arn", "RoleId"],
    capability: ({ RoleName }) => (RoleName === undefined ? "CAPABILITY_IAM" : "CAPABILITY_NAMED_IAM"),
    create: async (making) => nameOf(making),
    async observe(name, { properties: { Path = "/" } }) {
      const arn = `arn:aws:iam::${accountId}:role${String(Path)}${name}`;
      return { present: true, stable: true, attributes: { Arn: arn, RoleId: roleIdOf(arn) } };
    },
    update: async (_name, making) => nameOf(making),
    remove: async () => true,
  };
}

/** A name that is not given is the stack's and the logical id with a suffix, cut to what IAM allows. */
function nameOf({ stackName, logicalId, properties, token }: Making): string {
  checkNames(properties, logicalId, PROPERTIES);
  const { RoleName, AssumeRolePolicyDocument, Path = "/", PermissionsBoundary } = properties;
  if (PermissionsBoundary !== undefined && !POLICY_ARN.test(String(PermissionsBoundary)))
    throw new ResourceError(`ARN ${String(PermissionsBoundary)} is not valid.`);
  if (typeof AssumeRolePolicyDocument !== "object") {
    throw new ResourceError(`Property AssumeRolePolicyDocument of the role ${logicalId} cannot be empty`);
  }
  if (!/^\/(?:[\w+=,.@-]+\/)*$/.test(String(Path)))
    throw new ResourceError(`The path ${String(Path)} is invalid`);
  if (RoleName !== undefined) {
    const name = String(RoleName);
    if (/^[\w+=,.@-]{1,64}$/.test(name)) return name;
    throw new ResourceError(`The role name ${name} is invalid`);
  }
  const suffix = createHash("sha256").update(token).digest("hex").slice(0, SUFFIX_LENGTH).toUpperCase();
  return `${`${stackName}-${logicalId}`.slice(0, MAX_NAME_LENGTH - SUFFIX_LENGTH - 1)}-${suffix}`;
}
