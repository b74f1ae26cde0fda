/**
 * Who may do what: the one table from which the policies of all roles are made, and against which the tests hold the
 * calls that were recorded. Every row says why. Whatever no row allows is denied.
 */

import { accessGrants } from "./grants-access.ts";
import { clusterGrants } from "./grants-clusters.ts";
import { functionGrants } from "./grants-functions.ts";
import { stackGrants } from "./grants-stacks.ts";
import type { Kind } from "./settings.ts";

/** The roles. `worker` is of wake and tick, `migrate` of the deploy step, `stacks` is passed to CloudFormation. */
export type Who = "webhook" | "http" | "worker" | "migrate" | "previewTokens" | "tenantTokens" | "stacks";

export type Conditions = Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;

export interface Grant {
  /** The statement's id: letters and digits. */
  readonly sid: string;
  readonly who: readonly Who[];
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly conditions?: Conditions;
  /** Allow, unless it says otherwise. */
  readonly effect?: "Deny";
  readonly why: string;
  /** Why no recorded call shows these actions: AWS makes or checks them beside our own calls. */
  readonly unseen?: string;
}

/** What the rows speak of. ARNs may be tokens of CDK. */
export interface Places {
  readonly partition: string;
  readonly region: string;
  readonly account: string;
  readonly storeArn: string;
  readonly queueArn: string;
  readonly secretArn: string;
  readonly logGroupArns: Readonly<Partial<Record<Who, readonly string[]>>>;
  readonly tokenRoleArns: Readonly<Partial<Record<Kind, string>>>;
  readonly kinds: readonly Kind[];
  readonly extraTagNames: readonly string[];
  readonly parameterPrefix: string | null;
  readonly epochParameter: string;
  readonly kmsKeyArn: string | null;
  /** Null: no stacks. */
  readonly stacks: { readonly prefix: string; readonly roleArn: string; readonly boundaryArn: string } | null;
}

export function grantsOf(places: Places): readonly Grant[] {
  return [
    ...functionGrants(places),
    ...clusterGrants(places),
    ...accessGrants(places),
    ...stackGrants(places),
  ];
}
