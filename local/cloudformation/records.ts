import { join } from "node:path";
import Type from "typebox";
import Value from "typebox/value";
import { openJournal } from "../dsql/journal.ts";

const Texts = Type.Record(Type.String(), Type.String());
const Properties = Type.Record(Type.String(), Type.Unknown());

/** A resource as the template wants it: parameters are filled in, references to other resources are not. */
const ResourcePlan = Type.Object({
  logicalId: Type.String(),
  type: Type.String(),
  properties: Properties,
  /** As the template has it, parameters filled in; none if it is empty. */
  metadata: Type.Optional(Properties),
  deletionPolicy: Type.Union([
    Type.Literal("Delete"),
    Type.Literal("Retain"),
    Type.Literal("RetainExceptOnCreate"),
  ]),
});

const OutputPlan = Type.Object({
  key: Type.String(),
  value: Type.Unknown(),
  description: Type.Optional(Type.String()),
});

/** What a template means with its parameters; each resource comes after those it needs. */
const Plan = Type.Object({
  description: Type.Optional(Type.String()),
  resources: Type.Array(ResourcePlan),
  outputs: Type.Array(OutputPlan),
});

const ParameterRecord = Type.Object({ key: Type.String(), value: Type.String(), hidden: Type.Boolean() });

/** What a caller asked a stack to be. */
const Wanted = Type.Object({
  template: Type.String(),
  plan: Plan,
  parameters: Type.Array(ParameterRecord),
  tags: Texts,
  capabilities: Type.Array(Type.String()),
});

const ResourceRecord = Type.Object({
  logicalId: Type.String(),
  type: Type.String(),
  status: Type.String(),
  reason: Type.Optional(Type.String()),
  physicalId: Type.Optional(Type.String()),
  /** Written before the service of the resource is asked, so that a repeat after a crash makes no second one. */
  token: Type.String(),
  properties: Properties,
  metadata: Type.Optional(Properties),
  attributes: Texts,
  deletionPolicy: ResourcePlan.properties.deletionPolicy,
  changedAt: Type.Number(),
});

/** What the last CreateStack, UpdateStack or DeleteStack asked for beside what is wanted. */
const Operation = Type.Object({
  token: Type.Optional(Type.String()),
  /** Resources that DeleteStack shall leave. */
  retain: Type.Array(Type.String()),
  /** Leave what cannot be deleted (DeletionMode FORCE_DELETE_STACK). */
  force: Type.Boolean(),
  retainExceptOnCreate: Type.Boolean(),
  onFailure: Type.Union([Type.Literal("ROLLBACK"), Type.Literal("DO_NOTHING"), Type.Literal("DELETE")]),
  /** Resources that this operation could not delete. */
  failed: Type.Array(Type.String()),
  /** What an update goes back to. */
  previous: Type.Optional(Wanted),
});

const StackRecord = Type.Object({
  stackId: Type.String(),
  stackName: Type.String(),
  status: Type.String(),
  reason: Type.Optional(Type.String()),
  /** Milliseconds since 1970, as all times here. */
  createdAt: Type.Number(),
  updatedAt: Type.Optional(Type.Number()),
  deletedAt: Type.Optional(Type.Number()),
  wanted: Wanted,
  roleArn: Type.Optional(Type.String()),
  terminationProtected: Type.Boolean(),
  operation: Operation,
  resources: Type.Array(ResourceRecord),
  outputs: Type.Array(
    Type.Object({
      key: Type.String(),
      value: Type.String(),
      description: Type.Optional(Type.String()),
    }),
  ),
});

const EventRecord = Type.Object({
  /** Counts the events of a stack. */
  sequence: Type.Number(),
  eventId: Type.String(),
  stackId: Type.String(),
  stackName: Type.String(),
  logicalId: Type.String(),
  physicalId: Type.Optional(Type.String()),
  type: Type.String(),
  at: Type.Number(),
  status: Type.String(),
  reason: Type.Optional(Type.String()),
  token: Type.Optional(Type.String()),
  properties: Type.Optional(Properties),
});

/** A ClientRequestToken: the same token with another digest is refused. */
const TokenRecord = Type.Object({ token: Type.String(), digest: Type.String(), stackId: Type.String() });

const Snapshot = Type.Object({
  version: Type.Literal(1),
  stacks: Type.Array(StackRecord),
  events: Type.Array(EventRecord),
  tokens: Type.Array(TokenRecord),
});

/** What changed together: the stack as it is now, and what is new. */
const Change = Type.Object({
  stack: StackRecord,
  events: Type.Array(EventRecord),
  token: Type.Optional(TokenRecord),
});

export type ResourcePlan = Type.Static<typeof ResourcePlan>;
export type Plan = Type.Static<typeof Plan>;
export type ParameterRecord = Type.Static<typeof ParameterRecord>;
export type Wanted = Type.Static<typeof Wanted>;
export type ResourceRecord = Type.Static<typeof ResourceRecord>;
export type Operation = Type.Static<typeof Operation>;
export type StackRecord = Type.Static<typeof StackRecord>;
export type EventRecord = Type.Static<typeof EventRecord>;
export type TokenRecord = Type.Static<typeof TokenRecord>;
export type Change = Type.Static<typeof Change>;

export interface Records {
  /** By stack id, the oldest first; deleted stacks are among them. */
  stacks: ReadonlyMap<string, StackRecord>;
  tokens: ReadonlyMap<string, TokenRecord>;
  /** The oldest first. */
  eventsOf(stackId: string): readonly EventRecord[];
  /** Puts a change on file; all of it or nothing. */
  save(change: Change): void;
}

const FILE = "stacks.json";

/** Enough for any retry; how long the service remembers tokens is not published. */
const MAX_TOKENS = 5_000;

/** AWS keeps deleted stacks for 90 days; a bound by number keeps the file small. */
const MAX_DELETED_STACKS = 500;

/** More than a stack of one cluster sees in years. */
const MAX_EVENTS_PER_STACK = 2_000;

/** The stacks of a directory; a new directory has none. Throws when the file is not ours to read. */
export function openRecords(directory: string): Records {
  const stacks = new Map<string, StackRecord>();
  const events = new Map<string, EventRecord[]>();
  const tokens = new Map<string, TokenRecord>();
  const putEvent = (event: EventRecord): void => {
    const known = events.get(event.stackId) ?? [];
    // A change that is applied twice changes nothing.
    if (event.sequence <= (known.at(-1)?.sequence ?? 0)) return;
    events.set(event.stackId, [...known, event].slice(-MAX_EVENTS_PER_STACK));
  };
  const put = ({ stack, events: added, token }: Change): void => {
    stacks.set(stack.stackId, stack);
    for (const event of added) putEvent(event);
    if (token) tokens.set(token.token, token);
    const [oldestToken] = tokens.size > MAX_TOKENS ? tokens.keys() : [];
    if (oldestToken !== undefined) tokens.delete(oldestToken);
    const deleted = [...stacks.values()].filter(({ deletedAt }) => deletedAt !== undefined);
    const oldest = deleted.length > MAX_DELETED_STACKS ? deleted[0]?.stackId : undefined;
    if (oldest === undefined) return;
    stacks.delete(oldest);
    events.delete(oldest);
  };
  const journal = openJournal<Change>({
    path: join(directory, FILE),
    what: "a state file of the local CloudFormation",
    load: (source) => {
      const snapshot = Value.Parse(Snapshot, source);
      for (const stack of snapshot.stacks) put({ stack, events: [] });
      for (const event of snapshot.events) putEvent(event);
      for (const token of snapshot.tokens) tokens.set(token.token, token);
    },
    apply: (source) => put(Value.Parse(Change, source)),
    snapshot: () => ({
      version: 1,
      stacks: [...stacks.values()],
      events: [...events.values()].flat(),
      tokens: [...tokens.values()],
    }),
  });
  const save = (change: Change): void => {
    put(change);
    journal.append(change);
  };
  return { stacks, tokens, eventsOf: (stackId) => events.get(stackId) ?? [], save };
}
