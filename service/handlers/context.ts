import type { AccessPolicy } from "../domain/access.ts";
import type { GracePolicy } from "../domain/grace.ts";
import { ID_RANDOM_BYTES, type IdPrefix, idAfter, makeId } from "../domain/ids.ts";
import type { Caps } from "../domain/slots.ts";
import type { Brake } from "./brake.ts";
import type {
  Chance,
  Clock,
  ClusterControl,
  Databases,
  GitHub,
  Log,
  Measure,
  Nudge,
  Parameters,
  Redelivery,
  Splitter,
} from "./ports.ts";
import type { StackControl } from "./ports-stack.ts";
import type { Store } from "./ports-store.ts";

/** What an operator sets for all repositories. */
export interface Policy {
  readonly account: string;
  readonly region: string;
  readonly maxClusters: number;
  readonly quota: number;
  readonly reserve: number;
  readonly caps: Caps;
  /** How long a step holds its key before another worker may take it. */
  readonly leaseMs: number;
  readonly grace: GracePolicy;
  readonly idleMs: number;
  readonly ageMs: number;
  readonly migrationsDirectory: string;
  /** Where the report's links lead, such as https://github.com */
  readonly webUrl: string;
  readonly connect: ConnectPolicy;
  readonly access: AccessPolicy;
  /** Whose clusters are made by a CloudFormation stack, and what the stacks' names begin with. */
  readonly stacks: { readonly for: "none" | "previews" | "all"; readonly prefix: string };
  /** What the names of SSM parameters begin with; null: none are kept. */
  readonly parameterPrefix: string | null;
}

/** How the report says to connect; see Connection in domain/report.ts. */
export interface ConnectPolicy {
  readonly to: { readonly address: string; readonly port: number; readonly caFile: string } | null;
  /** May hold `{number}`. */
  readonly command: string | null;
  readonly environment: string | null;
  /** This service's address, where people sign in with GitHub and tokens are signed; else null. */
  readonly signInUrl: string | null;
}

/** Everything that a handler may use. */
export interface Context {
  readonly store: Store;
  /** Null: no restore of the store is noticed. */
  readonly brake: Brake | null;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly control: ClusterControl;
  readonly stacks: StackControl;
  readonly databases: Databases;
  readonly splitter: Splitter;
  readonly github: GitHub;
  /** Null where there is no SSM. Without a prefix none are put, and those that are left are removed. */
  readonly parameters: Parameters | null;
  readonly redelivery: Redelivery;
  readonly log: Log;
  readonly measure: Measure;
  readonly nudge: Nudge;
  readonly policy: Policy;
}

/** Ports of the worker's steps alone: the function that answers the API does not load them. */
type StepPorts = "stacks" | "databases" | "splitter" | "parameters" | "redelivery" | "measure";

/** What is left without them. */
export type BaseContext = Omit<Context, StepPorts>;

/** The newest event of each process, which is where its chance is from. */
const newestEvent = new WeakMap<Chance, string>();

/** A fresh opaque id. Those of events rise within a process, also within one millisecond: history is read in their order. */
export function newId({ clock, chance }: Pick<Context, "clock" | "chance">, prefix: IdPrefix): string {
  const id = makeId(prefix, clock.now(), chance.bytes(ID_RANDOM_BYTES));
  if (prefix !== "evt") return id;
  const newest = newestEvent.get(chance) ?? "";
  const rising = id > newest ? id : idAfter(newest);
  newestEvent.set(chance, rising);
  return rising;
}
