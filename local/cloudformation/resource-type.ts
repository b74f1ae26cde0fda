import type { Members } from "./template.ts";

/** What a resource's service says about it. */
export type Condition =
  | { present: false }
  | { present: true; stable: boolean; attributes: Record<string, string> };

export interface Making {
  stackName: string;
  logicalId: string;
  /** Resolved, with the tags of the stack among its own. */
  properties: Members;
  /** The same in every repeat of this creation. */
  token: string;
}

/**
 * A type of resource. Methods throw ResourceError for what a repeat cannot mend; any other error is tried again. Each may be
 * repeated after its answer was lost.
 */
export interface ResourceType {
  /** What GetAtt knows. */
  attributes: readonly string[];
  /** What somebody who makes one must acknowledge. */
  capability(properties: Members): "CAPABILITY_IAM" | "CAPABILITY_NAMED_IAM" | undefined;
  /** Out: the physical id. */
  create(making: Making): Promise<string>;
  observe(physicalId: string, making: Making): Promise<Condition>;
  /** Out: the physical id, which is another one if the resource was replaced. */
  update(physicalId: string, making: Making): Promise<string>;
  /** Out: whether it is gone now; if not, it is asked for again. */
  remove(physicalId: string): Promise<boolean>;
}

export type ResourceTypes = Readonly<Record<string, ResourceType>>;

/** Why a resource failed, as events tell it. */
export class ResourceError extends Error {}

/** Throws ResourceError for properties that the type does not have here. */
export function checkNames(properties: Members, logicalId: string, known: readonly string[]): void {
  const other = Object.keys(properties).find((name) => !known.includes(name));
  if (other === undefined) return;
  const what = `Properties validation failed for resource ${logicalId} with message`;
  throw new ResourceError(`${what}: #: extraneous key [${other}] is not permitted`);
}

/** In: a list of `{ Key, Value }`. Out: the same as a record. */
export function tagsOf(list: unknown): Record<string, string> {
  const pairs = Array.isArray(list) ? (list as { Key?: unknown; Value?: unknown }[]) : [];
  return Object.fromEntries(pairs.map(({ Key, Value }) => [String(Key), String(Value)]));
}
