import type { SqlText } from "../../service/adapters/store/sql.ts";
import type { ClusterControl } from "../../service/handlers/ports.ts";
import type { Rewrite } from "./database.ts";
import type { Random } from "./random.ts";

/** A mistake that somebody could make in the product; the simulation must notice each. */
export interface Mutation {
  readonly rewrite?: Rewrite;
  readonly control?: (control: ClusterControl, random: Random) => ClusterControl;
}

const unleased: Readonly<Record<string, (text: string) => string>> = {
  wakeup_claim: (text) => text.replace(/and w\.due_at <= \$2[\s\S]*\$2\)/, "and $2::timestamptz is not null"),
  wakeup_done: withoutLease,
  wakeup_again: withoutLease,
  wakeup_renew: withoutLease,
};

/** Null, and the parameter is used. */
const FORGOTTEN = "nullif($2::timestamptz, $2::timestamptz)";

export const MUTATIONS = {
  /** Every create asks with a token of its own. */
  random_token: {
    control: (control, random) => ({
      ...control,
      create: (request) => control.create({ ...request, clientToken: `tok_${random.number()}` }),
    }),
  },
  /** Nobody looks whether the lease is still theirs. */
  no_lease: {
    rewrite: ({ name, text }) => ({ name: `${name}_mutated`, text: unleased[name]?.(text) ?? text }),
  },
  /** The row is gone as soon as AWS has been asked to remove the cluster. */
  record_first: { rewrite: recordFirst },
  /** A closed preview, or a deleted customer, is let go of at once. */
  retire_without_grace: {
    rewrite: ({ name, text }) => ({
      name: `${name}_mutated`,
      text: name === "cluster_retire" ? text.replace("set use = 'retired'", "set use = 'remove'") : text,
    }),
  },
  /** What is restored counts as open before AWS has taken the policy back. */
  restore_serves_while_fenced: {
    rewrite: ({ name, text }) => ({
      name: `${name}_mutated`,
      text: name === "cluster_restore" ? text.replace("coalesce(fenced_at, $2)", FORGOTTEN) : text,
    }),
  },
  /** A call without an answer is taken for "there is none". */
  unknown_absent: {
    control: (control) => ({
      ...control,
      async observe(identifier) {
        const seen = await control.observe(identifier);
        return seen.kind === "unknown" ? { kind: "absent" } : seen;
      },
      async find(clusterId) {
        const seen = await control.find(clusterId);
        return seen.kind === "unknown" ? { kind: "absent" } : seen;
      },
      async remove(identifier) {
        const answer = await control.remove(identifier);
        return answer.kind === "unknown" ? { kind: "absent" } : answer;
      },
    }),
  },
} satisfies Readonly<Record<string, Mutation>>;

export type MutationName = keyof typeof MUTATIONS;

export function isMutation(name: string): name is MutationName {
  return name in MUTATIONS;
}

function withoutLease(text: string): string {
  return text.replace("and lease = $3", "and $3::text is not null");
}

function recordFirst({ name, text }: SqlText): SqlText {
  if (name !== "cluster_update") return { name, text };
  const early = "status = case when $3 = 'removing' then 'gone' else $3 end";
  return { name: "cluster_update_mutated", text: text.replace("status = $3", early) };
}
