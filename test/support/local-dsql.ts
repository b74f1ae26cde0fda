import type { LocalCloudFormationReady } from "../../local/cloudformation/main.ts";
import type { LocalDsqlReady } from "../../local/dsql/main.ts";
import { type Flags, type Local, startLocal } from "./local-process.ts";

export interface LocalOptions {
  directory: string;
  /** Further flags of its main.ts. */
  flags?: Flags;
}

export type LocalDsql = Local<LocalDsqlReady>;
export type LocalCloudFormation = Local<LocalCloudFormationReady>;

/** Each starts a process of its own. Throws with what it said when it does not get ready. */
export const startLocalDsql = ({ directory, flags }: LocalOptions): Promise<LocalDsql> =>
  startLocal("dsql", { directory, ...flags });
export const startLocalCloudFormation = ({ directory, flags }: LocalOptions): Promise<LocalCloudFormation> =>
  startLocal("cloudformation", { directory, ...flags });
