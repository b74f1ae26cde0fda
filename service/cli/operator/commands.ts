/** All that only operators need, behind one door: it brings AWS' SDK, GitHub's and the store. */
import type { Command } from "../command.ts";
import { backupCommands } from "./backup.ts";
import { confirmCommands } from "./confirm.ts";
import { iamCommands } from "./iam.ts";
import { keyCommands } from "./keys.ts";
import { setupCommands } from "./setup-code.ts";
import { storeCommands } from "./store.ts";
import { sweepCommands } from "./sweep.ts";

export { beforeFindings } from "./before.ts";
export { operatorFindings } from "./doctor.ts";
export { tellWhy } from "./why.ts";

export const commands: readonly Command[] = [
  ...storeCommands,
  ...backupCommands,
  ...confirmCommands,
  ...keyCommands,
  ...sweepCommands,
  ...iamCommands,
  ...setupCommands,
];
