import type { ChangeAnswer, CreateAnswer, RemoveAnswer, Unknown, UpdateAnswer } from "../domain/cluster.ts";
import type { ListedStack, StackSeen } from "../domain/stack.ts";
import type { StackOwner } from "../domain/stack-template.ts";

type CreateRefusal = Extract<CreateAnswer, { kind: "quota" | "conflict" | "refused" }>;

/**
 * CloudFormation for one account and Region. No method throws for an answer of AWS: each answer is a value. A stack is
 * ours if it has the tag `offshoot:cluster` of its row; what is changed or removed is named by the id that `describe`
 * gave, so another stack that takes the name meanwhile is left alone.
 */
export interface StackControl {
  /** CreateStack from the built-in template. `exists`: a stack, whosever, has the name. Repeatable with the token. */
  create(request: {
    readonly name: string;
    readonly token: string;
    readonly owner: StackOwner;
  }): Promise<
    { readonly kind: "made" } | { readonly kind: "exists"; readonly cause: string } | CreateRefusal | Unknown
  >;
  /** DescribeStacks, with the cluster's id as soon as there is one, and what failed last. */
  describe(name: string, clusterId: string): Promise<StackSeen>;
  /** UpdateStack to today's template; `refused`: AWS takes no update in this state, or not this one. Repeatable. */
  update(id: string, owner: StackOwner): Promise<UpdateAnswer>;
  /** DeleteStack. `protected`: by its termination protection. */
  remove(id: string): Promise<RemoveAnswer>;
  /** Switches termination protection. */
  guard(id: string, on: boolean): Promise<ChangeAnswer>;
  /**
   * Every stack that is not deleted, with a name that begins with the prefix and is none of the known: whosever it is, and
   * of very many only the first. Null if they could not be read.
   */
  others(prefix: string, known: ReadonlySet<string>): Promise<readonly ListedStack[] | null>;
}
