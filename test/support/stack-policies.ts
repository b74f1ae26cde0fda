import type { Statement } from "./iam-evaluator.ts";
import { plain, resolve, type Synthesized } from "./stack-template.ts";

/** What each role of the template is allowed, by the role's name. */
export function policiesOf(made: Synthesized): ReadonlyMap<string, readonly Statement[]> {
  const policies = new Map<string, readonly Statement[]>();
  for (const { Type, Properties } of Object.values(made.resources)) {
    if (Type !== "AWS::IAM::Policy") continue;
    const roles = (Properties["Roles"] as readonly { readonly Ref: string }[]).map(({ Ref }) => plain(Ref));
    const { Statement: statements } = resolve(Properties["PolicyDocument"], made) as {
      Statement: Statement[];
    };
    for (const role of roles) policies.set(role, [...(policies.get(role) ?? []), ...statements]);
  }
  return policies;
}

/** The trust policies of the roles, by the role's name. */
export function trustOf(made: Synthesized): ReadonlyMap<string, unknown> {
  const roles = Object.entries(made.resources).filter(([, { Type }]) => Type === "AWS::IAM::Role");
  return new Map(
    roles.map(([id, { Properties }]) => [plain(id), resolve(Properties["AssumeRolePolicyDocument"], made)]),
  );
}
