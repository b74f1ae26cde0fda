import type { Baton } from "./baton.ts";
import type { Stage } from "./stage.ts";

/** One process that takes turns with the others; every port that it calls is its own. */
export interface Actor {
  readonly name: string;
  readonly stage: Stage;
  /** Waits for its turn; a pause or a crash may strike. */
  turn(): Promise<void>;
  /** As `turn`, while it holds locks: a crash only. */
  lockedTurn(): Promise<void>;
}

export function createActor(baton: Baton, stage: Stage, name: string): Actor {
  return {
    name,
    stage,
    turn: () => baton.turn(name, { crashable: true, pausable: true }),
    lockedTurn: () => baton.turn(name, { crashable: true }),
  };
}
