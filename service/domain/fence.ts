/** The policy that lets nobody connect to a cluster while it is retired, and how it is told from an operator's own. */

const SID = "OffshootRetired";
const ACTIONS = ["dsql:DbConnect", "dsql:DbConnectAdmin"] as const;

/**
 * A Deny holds against every Allow, so access ends without anybody's permissions being changed. It says nothing about the
 * control plane, so nobody is locked out of it.
 */
export const FENCE_POLICY = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Sid: SID, Effect: "Deny", Principal: { AWS: "*" }, Action: ACTIONS, Resource: "*" }],
});

/** Whether the policy has our statement, whole: a condition, or one action less, would let somebody in. */
export function isFence(policy: string | null): boolean {
  return statementsOf(policy).some(isOurs);
}

/**
 * The policy of a cluster that is open again. In: the policy as it is, and the one that the fence replaced. What somebody
 * wrote since counts, beside our statement or in its place. Null: none.
 */
export function withoutFence(policy: string | null, former: string | null): string | null {
  if (policy === null) return former;
  if (!isFence(policy)) return policy;
  const others = statementsOf(policy).filter((statement) => !isOurs(statement));
  return others.length > 0 ? JSON.stringify({ ...JSON.parse(policy), Statement: others }) : former;
}

/** IAM takes one statement without a list too. A text that is no policy has none. */
function statementsOf(policy: string | null): readonly unknown[] {
  if (policy === null) return [];
  try {
    const { Statement } = Object(JSON.parse(policy));
    return Array.isArray(Statement) ? Statement : [Statement];
  } catch {
    return [];
  }
}

/** AWS may show `"*"` for a principal of `{"AWS": "*"}`, and a single text for a list of one. */
function isOurs(statement: unknown): boolean {
  const { Sid, Effect, Principal, Action, Resource, Condition } = Object(statement);
  const everybody = Principal === "*" || listOf(Object(Principal).AWS).includes("*");
  const actions = listOf(Action);
  return (
    Sid === SID &&
    Effect === "Deny" &&
    Condition === undefined &&
    everybody &&
    ACTIONS.every((action) => actions.includes(action)) &&
    listOf(Resource).includes("*")
  );
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value];
}
