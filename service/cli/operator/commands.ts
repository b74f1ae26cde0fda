/** All that only operators need, behind one door: it brings AWS' SDK, GitHub's and the store. */
import type { Command } from "../command.ts";
import { keyCommands } from "./keys.ts";
import { storeCommands } from "./store.ts";

export { operatorFindings } from "./doctor.ts";
export { tellWhy } from "./why.ts";

export const commands: readonly Command[] = [...storeCommands, ...keyCommands];
