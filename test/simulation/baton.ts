/** Somebody who waits to go on. */
export interface Turn {
  readonly task: string;
  /** A crash may strike here; a pause too, unless locks are held, which DSQL does not have. */
  readonly crashable: boolean;
  readonly pausable: boolean;
  /** Not before this moment. */
  until: number;
  /** What it waits for besides. */
  readonly ready: () => boolean;
  readonly resume: () => void;
}

export interface Wait {
  readonly crashable?: boolean;
  readonly pausable?: boolean;
  readonly until?: number;
  readonly ready?: () => boolean;
}

/**
 * One baton for all tasks: a task runs only between two turns, and while it runs nobody else does. So real time, of
 * Postgres or of the machine, orders nothing, although transactions really interleave.
 */
export interface Baton {
  /** Starts a task; it runs until its first turn. */
  spawn(work: () => Promise<void>): void;
  turn(task: string, wait?: Wait): Promise<void>;
  /** Resolves when everybody waits. Throws what a task has thrown. */
  settle(): Promise<void>;
  waiting(): readonly Turn[];
  pass(turn: Turn): void;
  /** The task never goes on: its promise stays open for ever, as if its process had died. */
  drop(turn: Turn): void;
}

export function createBaton(): Baton {
  const turns: Turn[] = [];
  let running = 0;
  let failure: { readonly error: unknown } | null = null;
  let allWait: () => void = () => {};
  const rest = () => {
    running -= 1;
    if (running === 0) allWait();
  };
  const remove = (turn: Turn) => turns.splice(turns.indexOf(turn), 1);
  return {
    spawn(work) {
      running += 1;
      work()
        .catch((error: unknown) => {
          failure ??= { error };
        })
        .finally(rest);
    },
    turn(task, { crashable = false, pausable = false, until = 0, ready = () => true } = {}) {
      return new Promise((resume) => {
        turns.push({ task, crashable, pausable, until, ready, resume });
        rest();
      });
    },
    async settle() {
      if (running > 0) await new Promise<void>((resolve) => (allWait = resolve));
      if (failure) throw failure.error;
    },
    waiting: () => turns,
    pass(turn) {
      remove(turn);
      running += 1;
      turn.resume();
    },
    drop: remove,
  };
}
