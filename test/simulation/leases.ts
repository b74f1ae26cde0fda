import type { SqlText } from "../../service/adapters/store/sql.ts";
import { Broken, type Stage } from "./stage.ts";

/** One statement of a transaction, with how many rows it touched. */
export interface Ran {
  readonly statement: SqlText;
  readonly values: readonly unknown[];
  readonly rows: readonly unknown[];
  readonly rowCount: number;
}

/**
 * Watches that nobody commits on a lease that somebody else has taken. It learns leases from claims that came through
 * and looks at every commit; it does not trust the statements to check the lease themselves.
 */
export interface LeaseWatch {
  committed(task: string, ran: readonly Ran[]): void;
}

/** What a worker may write without holding a key: pauses hold for everybody, a reaction is idempotent. */
const FREE = /^(wakeup_|region_pause|installation_pause|command_reacted)/;

export function isWrite({ text }: SqlText): boolean {
  return /\b(insert into|update|delete from) /i.test(text);
}

export function createLeaseWatch(stage: Stage): LeaseWatch {
  const holders = new Map<string, unknown>();
  return {
    committed(task, ran) {
      let held = false;
      for (const { statement, values, rows, rowCount } of ran) {
        const [topic, key, lease] = values;
        if (statement.name === "wakeup_claim") {
          for (const row of rows as { topic: string; key: string }[])
            holders.set(`${row.topic} ${row.key}`, values[0]);
        }
        if (!/^wakeup_(done|again|renew)$/.test(statement.name) || rowCount === 0) continue;
        const name = `${topic} ${key}`;
        if (holders.get(name) !== lease) {
          throw stage.fail(new Broken("lease", `${task} committed ${name} on a lease that was taken`));
        }
        held = true;
        if (statement.name !== "wakeup_renew") holders.delete(name);
      }
      const unheld = ran.find(({ statement }) => isWrite(statement) && !FREE.test(statement.name));
      if (task !== "door" && unheld && !held) {
        throw stage.fail(new Broken("lease", `${task} committed ${unheld.statement.name} without its key`));
      }
    },
  };
}
