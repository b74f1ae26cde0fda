import { join } from "node:path";
import Type from "typebox";
import Value from "typebox/value";
import { openJournal } from "./journal.ts";

const SecretVersion = Type.Object({
  id: Type.String(),
  text: Type.String(),
  stages: Type.Array(Type.String()),
  /** Milliseconds since 1970. */
  createdAt: Type.Number(),
});
const SecretRecord = Type.Object({
  name: Type.String(),
  /** The six characters that AWS adds to the name in its ARN. */
  suffix: Type.String(),
  createdAt: Type.Number(),
  versions: Type.Array(SecretVersion),
});

const Snapshot = Type.Object({ version: Type.Literal(1), secrets: Type.Array(SecretRecord) });
const Change = Type.Object({ put: SecretRecord });

export type SecretVersion = Type.Static<typeof SecretVersion>;
export type SecretRecord = Type.Static<typeof SecretRecord>;
type Change = Type.Static<typeof Change>;

export interface SecretStore {
  get(name: string): SecretRecord | undefined;
  /** Puts it on file. */
  put(secret: SecretRecord): void;
}

const FILE = "secrets.json";

/** The secrets of the local Secrets Manager, in a file of the directory. Throws when the file is not ours to read. */
export function openSecretStore(directory: string): SecretStore {
  const secrets = new Map<string, SecretRecord>();
  const apply = ({ put }: Change): void => void secrets.set(put.name, put);
  const journal = openJournal<Change>({
    path: join(directory, FILE),
    what: "a file of secrets of the local Secrets Manager",
    load: (source) => {
      for (const put of Value.Parse(Snapshot, source).secrets) apply({ put });
    },
    apply: (source) => apply(Value.Parse(Change, source)),
    snapshot: () => ({ version: 1, secrets: [...secrets.values()] }),
  });
  return {
    get: (name) => secrets.get(name),
    put(secret) {
      apply({ put: secret });
      journal.append({ put: secret });
    },
  };
}
