/** The verbs of this version. `/db approve`, `reset` and `keep` join later. */
export const COMMAND_VERBS = ["create", "destroy", "status", "help"] as const;
export type CommandVerb = (typeof COMMAND_VERBS)[number];
