/** How the policies of iam-policy.ts are written: the same values in three languages. */
import type { IamGrant } from "./iam-policy.ts";

/** Whole documents, each beside the name that IAM knows it by. */
export function writeJson(grants: readonly IamGrant[]): string {
  const shown = grants.map(({ who, purpose, policyName, permissions, role }) => [
    who,
    {
      purpose,
      policyName,
      permissions,
      ...(role ? { roleName: role.name, rolePath: role.path, trust: role.trust } : {}),
    },
  ]);
  return `${JSON.stringify(Object.fromEntries(shown), null, 2)}\n`;
}

/** A construct of the resources themselves, so that CDK rewrites no statement. */
export function writeCdk(grants: readonly IamGrant[]): string {
  const lines = [
    'import { CfnManagedPolicy, CfnRole } from "aws-cdk-lib/aws-iam";',
    'import { Construct } from "constructs";',
    "",
    "export class OffshootAccess extends Construct {",
    "  constructor(scope: Construct, id: string) {",
    "    super(scope, id);",
    ...grants.flatMap(cdkGrant),
    "  }",
    "}",
  ];
  return `${lines.join("\n")}\n`;
}

function cdkGrant({ who, purpose, policyName, permissions, role }: IamGrant): readonly string[] {
  const policy = {
    managedPolicyName: policyName,
    description: purpose,
    policyDocument: permissions,
  };
  const id = who.charAt(0).toUpperCase() + who.slice(1);
  const make = `new CfnManagedPolicy(this, "${id}Policy", ${typescript(policy)});`;
  if (!role) return [`    // ${purpose}`, `    ${make}`];
  const trust = {
    roleName: role.name,
    path: role.path,
    description: purpose,
    assumeRolePolicyDocument: role.trust,
  };
  const properties = typescript(trust).replace(
    /\n {4}\}$/,
    `\n      managedPolicyArns: [${who}.ref],\n    }`,
  );
  return [
    `    // ${purpose}`,
    `    const ${who} = ${make}`,
    `    new CfnRole(this, "${id}Role", ${properties});`,
  ];
}

const TYPESCRIPT: Notation = {
  text: (text) => JSON.stringify(text),
  member: (name, value) => `${name}: ${value},`,
  aligned: false,
};

/** A value as TypeScript, indented as an argument within the constructor. */
function typescript(value: object): string {
  return write(value, TYPESCRIPT, "    ");
}

/** Resources with their documents in HCL's own notation, laid out as `terraform fmt` does. */
export function writeTerraform(grants: readonly IamGrant[]): string {
  return `${grants.flatMap(terraformGrant).join("\n\n")}\n`;
}

function terraformGrant(grant: IamGrant): readonly string[] {
  const { purpose, policyName, permissions, role } = grant;
  const label = `offshoot_${policyName.replace(/^offshoot-/, "").replace(/\W/g, "_")}`;
  const policy = [
    `# ${purpose}`,
    `resource "aws_iam_policy" "${label}" {`,
    `  name        = ${hclText(policyName)}`,
    `  description = ${hclText(purpose)}`,
    "",
    `  policy = jsonencode(${hcl(permissions)})`,
    "}",
  ];
  if (!role) return [policy.join("\n")];
  const made = [
    `resource "aws_iam_role" "${label}" {`,
    `  name        = ${hclText(role.name)}`,
    `  path        = ${hclText(role.path)}`,
    `  description = ${hclText(purpose)}`,
    "",
    `  assume_role_policy = jsonencode(${hcl(role.trust)})`,
    "}",
  ];
  const attached = [
    `resource "aws_iam_role_policy_attachment" "${label}" {`,
    `  role       = aws_iam_role.${label}.name`,
    `  policy_arn = aws_iam_policy.${label}.arn`,
    "}",
  ];
  return [policy.join("\n"), made.join("\n"), attached.join("\n")];
}

const HCL: Notation = { text: hclText, member: (name, value) => `${name} = ${value}`, aligned: true };

function hcl(value: object): string {
  return write(value, HCL, "  ");
}

/** JSON's escapes are HCL's too; what HCL would take for a template is doubled. */
function hclText(text: string): string {
  return JSON.stringify(text).replace(/[$%](?=\{)/g, (sign) => sign + sign);
}

interface Notation {
  text(text: string): string;
  member(name: string, value: string): string;
  /** Names of neighbours in single lines are padded to one width. */
  readonly aligned: boolean;
}

const NAME = /^[A-Za-z]\w*$/;
/** A longer list has a line for each member. */
const LIST_CHARACTERS = 72;

function write(value: unknown, notation: Notation, indent: string): string {
  if (typeof value === "string") return notation.text(value);
  const deeper = `${indent}  `;
  if (Array.isArray(value)) {
    const members = value.map((member) => write(member, notation, deeper));
    const line = `[${members.join(", ")}]`;
    if (!line.includes("\n") && line.length <= LIST_CHARACTERS) return line;
    return `[\n${members.map((member) => `${deeper}${member},\n`).join("")}${indent}]`;
  }
  const members = Object.entries(value as object).map(([name, member]): Member => {
    return [NAME.test(name) ? name : notation.text(name), write(member, notation, deeper)];
  });
  const lines = (notation.aligned ? align(members) : members).map(
    ([name, text]) => `${deeper}${notation.member(name, text)}\n`,
  );
  return `{\n${lines.join("")}${indent}}`;
}

type Member = readonly [name: string, text: string];

function align(members: readonly Member[]): readonly Member[] {
  const isSingle = ([, text]: Member) => !text.includes("\n");
  return members.map((member, at) => {
    if (!isSingle(member)) return member;
    let first = at;
    while (first > 0 && isSingle(members[first - 1] ?? member)) first -= 1;
    const end = members.findIndex((one, i) => i > at && !isSingle(one));
    const run = members.slice(first, end === -1 ? members.length : end);
    return [member[0].padEnd(Math.max(...run.map(([name]) => name.length))), member[1]];
  });
}
