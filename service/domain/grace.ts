import type { Environment, WantedReason } from "./environment.ts";

/** How long data is kept after the end, as the operator chose. */
export interface GracePolicy {
  readonly previewMs: number;
  readonly tenantMs: number;
}

const HOUR_MS = 3_600_000;

/** Ends that a person asked for as final, or whose data nobody may have: nothing is kept. */
const FINAL: ReadonlySet<WantedReason> = new Set<WantedReason>([
  "command_destroy",
  "fork",
  "bot",
  "opened_before_installation",
  "repository_gone",
]);

/** How long the data of an unwanted environment is kept, in milliseconds from its end. 0: not at all. */
export function graceOf(environment: Environment, policy: GracePolicy): number {
  const { kind, limits, wantedReason } = environment;
  if (kind === "tenant") {
    return limits.graceHours === undefined ? policy.tenantMs : limits.graceHours * HOUR_MS;
  }
  // `/db destroy` and a request to destroy a preview mean now.
  if (FINAL.has(wantedReason) || wantedReason === "api_destroy") return 0;
  return policy.previewMs;
}
