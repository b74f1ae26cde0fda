import { join } from "node:path";
import Type from "typebox";
import Value from "typebox/value";
import { openJournal } from "./journal.ts";

const Change = Type.Union([
  /** The name of a service-linked role, and the service it is for. */
  Type.Object({ serviceRole: Type.String(), service: Type.String() }),
  /** The host and path of an OpenID Connect provider. */
  Type.Object({ issuer: Type.String() }),
  /** An inline policy of a role, as JSON. */
  Type.Object({ role: Type.String(), policyName: Type.String(), policy: Type.String() }),
]);
const Snapshot = Type.Object({ version: Type.Literal(1), changes: Type.Array(Change) });
export type IamChange = Type.Static<typeof Change>;

export interface IamStore {
  serviceOf(serviceRole: string): string | undefined;
  hasIssuer(issuer: string): boolean;
  /** The inline policies of a role. */
  policiesOf(role: string): readonly string[];
  /** Puts it on file. */
  put(change: IamChange): void;
}

const FILE = "iam.json";

/** What the local IAM remembers, in a file of the directory. Throws when the file is not ours to read. */
export function openIamStore(directory: string): IamStore {
  const changes = new Map<string, IamChange>();
  const apply = (change: IamChange): void => void changes.set(keyOf(change), change);
  const all = () => [...changes.values()];
  const journal = openJournal<IamChange>({
    path: join(directory, FILE),
    what: "a file of the local IAM",
    load: (source) => {
      for (const change of Value.Parse(Snapshot, source).changes) apply(change);
    },
    apply: (source) => apply(Value.Parse(Change, source)),
    snapshot: () => ({ version: 1, changes: all() }),
  });
  return {
    serviceOf(serviceRole) {
      const found = changes.get(`service ${serviceRole}`);
      return found && "service" in found ? found.service : undefined;
    },
    hasIssuer: (issuer) => changes.has(`issuer ${issuer}`),
    policiesOf: (role) =>
      all().flatMap((change) => ("role" in change && change.role === role ? [change.policy] : [])),
    put(change) {
      apply(change);
      journal.append(change);
    },
  };
}

function keyOf(change: IamChange): string {
  if ("serviceRole" in change) return `service ${change.serviceRole}`;
  if ("issuer" in change) return `issuer ${change.issuer}`;
  return `role ${change.role} ${change.policyName}`;
}
