import Type from "typebox";

/** A resource that shall fail, whatever its service would say. */
export const Failure = Type.Object({
  action: Type.Union([Type.Literal("create"), Type.Literal("update"), Type.Literal("remove")]),
  type: Type.String({ minLength: 1, maxLength: 128 }),
  reason: Type.String({ minLength: 1, maxLength: 1024 }),
  times: Type.Integer({ minimum: 1, maximum: 10_000 }),
});

export type Failure = Type.Static<typeof Failure>;
export type Failures = ReturnType<typeof makeFailures>;

/** A bound on what a test may line up. */
const MAX_FAILURES = 100;

/** The failures that tests asked for; the oldest that fits is used first. */
export function makeFailures() {
  let failures: Failure[] = [];
  return {
    add(failure: Failure): void {
      failures = [...failures, { ...failure }].slice(-MAX_FAILURES);
    },
    clear(): void {
      failures = [];
    },
    /** The reason why this action fails now, if it does; each call uses the failure up by one. */
    take(action: string, type: string): string | undefined {
      const failure = failures.find((one) => one.action === action && one.type === type);
      if (!failure) return undefined;
      failure.times -= 1;
      failures = failures.filter((one) => one.times > 0);
      return failure.reason;
    },
  };
}
