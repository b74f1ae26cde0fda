import { type Identity, refuseAction } from "./principals.ts";
import type { Registry } from "./registry.ts";
import type { Failure } from "./wire.ts";

/** An open connection, and what it was let in for. */
export interface Connection {
  identifier: string;
  identity: Identity;
  action: string;
  /** Says why and hangs up. */
  end(failure: Failure): void;
}

export type Connections = ReturnType<typeof makeConnections>;

/** What the service says when it ends a session for a policy is not published; this text is ours. */
const ENDED: Failure = {
  code: "57P01",
  message: "terminating connection because the cluster's policy denies access",
};

/** Who is connected, so that a policy that is put later reaches them, too. In: how long they may go on nevertheless. */
export function makeConnections(registry: Pick<Registry, "lookUp" | "policyOf">, policySessionMs: number) {
  const open = new Map<string, Set<Connection>>();

  const endDenied = (identifier: string): void => {
    const { arn } = registry.lookUp(identifier) ?? {};
    if (arn === undefined) return;
    const policy = registry.policyOf(identifier);
    for (const connection of open.get(identifier) ?? []) {
      const { identity, action, end } = connection;
      if (refuseAction(identity, `dsql:${action}`, arn, policy) !== undefined) end(ENDED);
    }
  };
  return {
    /** Out: to be called when it is over. */
    add(connection: Connection): () => void {
      const { identifier } = connection;
      const there = open.get(identifier) ?? new Set();
      open.set(identifier, there.add(connection));
      return () => {
        there.delete(connection);
        if (there.size === 0 && open.get(identifier) === there) open.delete(identifier);
      };
    },

    /** Ends, after the delay, what the cluster's policy denies by then. */
    policyChanged(identifier: string): void {
      setTimeout(() => endDenied(identifier), policySessionMs).unref();
    },
  };
}
