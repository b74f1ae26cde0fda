import Type from "typebox";
import { makeOnDemand } from "../on-demand.ts";

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

/** The faults that tests asked for; the oldest that fits is used first. */
export function makeFaults() {
  const { add, clear, take } = makeOnDemand<Fault>();
  return {
    ...{ add, clear },
    /** The fault for one call of the operation, if any; each call uses it up by one. */
    take: (operation: string): Fault | undefined =>
      take((one) => one.operation === operation || one.operation === ANY_OPERATION),
  };
}
