import Type from "typebox";
import { makeOnDemand } from "../on-demand.ts";

/** A resource that shall fail, whatever its service would say. */
export const Failure = Type.Object({
  action: Type.Union([Type.Literal("create"), Type.Literal("update"), Type.Literal("remove")]),
  type: Type.String({ minLength: 1, maxLength: 128 }),
  reason: Type.String({ minLength: 1, maxLength: 1024 }),
  times: Type.Integer({ minimum: 1, maximum: 10_000 }),
});

export type Failure = Type.Static<typeof Failure>;
export type Failures = ReturnType<typeof makeFailures>;

/** The failures that tests asked for; the oldest that fits is used first. */
export function makeFailures() {
  const { add, clear, take } = makeOnDemand<Failure>();
  return {
    ...{ add, clear },
    /** The reason why this action fails now, if it does; each call uses the failure up by one. */
    take: (action: string, type: string): string | undefined =>
      take((one) => one.action === action && one.type === type)?.reason,
  };
}
