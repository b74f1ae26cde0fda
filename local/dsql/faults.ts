import Type from "typebox";

/** Answers to give instead of the real one: an error, none at all, or the effect without its answer. */
export const Fault = Type.Object({
  operation: Type.String({ minLength: 1, maxLength: 64 }),
  answer: Type.Union([Type.Literal(500), Type.Literal(429), Type.Literal("hang"), Type.Literal("lost")]),
  times: Type.Integer({ minimum: 1, maximum: 10_000 }),
  retryAfterSeconds: Type.Optional(Type.Integer({ minimum: 0, maximum: 3600 })),
});

export type Fault = Type.Static<typeof Fault>;
export type Faults = ReturnType<typeof makeFaults>;

const ANY_OPERATION = "*";

/** A bound on what a test may line up. */
const MAX_FAULTS = 100;

/** The faults that tests asked for; the oldest that fits is used first. */
export function makeFaults() {
  let faults: Fault[] = [];
  return {
    add(fault: Fault): void {
      faults = [...faults, { ...fault }].slice(-MAX_FAULTS);
    },
    clear(): void {
      faults = [];
    },
    /** The fault for one call of the operation, if any; each call uses it up by one. */
    take(operation: string): Fault | undefined {
      const fault = faults.find((one) => one.operation === operation || one.operation === ANY_OPERATION);
      if (!fault) return undefined;
      fault.times -= 1;
      faults = faults.filter((one) => one.times > 0);
      return fault;
    },
  };
}
