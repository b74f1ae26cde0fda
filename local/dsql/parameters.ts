import { join } from "node:path";
import Type from "typebox";
import Value from "typebox/value";
import { openJournal } from "./journal.ts";

const ParameterRecord = Type.Object({
  name: Type.String(),
  value: Type.String(),
  description: Type.Optional(Type.String()),
  version: Type.Number(),
  /** Milliseconds since 1970. */
  modifiedAt: Type.Number(),
  tags: Type.Record(Type.String(), Type.String()),
});

const Snapshot = Type.Object({ version: Type.Literal(1), parameters: Type.Array(ParameterRecord) });
const Change = Type.Union([Type.Object({ put: ParameterRecord }), Type.Object({ remove: Type.String() })]);

export type ParameterRecord = Type.Static<typeof ParameterRecord>;
type Change = Type.Static<typeof Change>;

export interface Parameters {
  get(name: string): ParameterRecord | undefined;
  /** Puts it on file. */
  put(parameter: ParameterRecord): void;
  /** Out: false if there was none. */
  remove(name: string): boolean;
  /** In the order of their names. */
  all(): ParameterRecord[];
}

const FILE = "parameters.json";

/** The parameters of the local SSM, in a file of the directory. Throws when the file is not ours to read. */
export function openParameters(directory: string): Parameters {
  const parameters = new Map<string, ParameterRecord>();
  const apply = (change: Change): void => {
    if ("put" in change) parameters.set(change.put.name, change.put);
    else parameters.delete(change.remove);
  };
  const all = () => [...parameters.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  const journal = openJournal<Change>({
    path: join(directory, FILE),
    what: "a file of parameters of the local SSM",
    load: (source) => {
      for (const put of Value.Parse(Snapshot, source).parameters) apply({ put });
    },
    apply: (source) => apply(Value.Parse(Change, source)),
    snapshot: () => ({ version: 1, parameters: all() }),
  });
  const change = (change: Change): void => {
    apply(change);
    journal.append(change);
  };
  return {
    get: (name) => parameters.get(name),
    put: (parameter) => change({ put: parameter }),
    remove(name) {
      if (!parameters.has(name)) return false;
      change({ remove: name });
      return true;
    },
    all,
  };
}
