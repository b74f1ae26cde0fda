/** What cdk-nag finds and we keep, each at its own construct with its reason. */
import { Stack, Validations } from "aws-cdk-lib";
import { flattenCfnReference } from "cdk-nag/lib/utils/flatten-cfn-reference.js";
import type { IConstruct } from "constructs";

/** Accepts one finding, at one construct and below. */
export function accept(construct: IConstruct, id: string, reason: string): void {
  Validations.of(construct).acknowledge({ id: `AwsSolutions::${id}`, reason });
}

/** Accepts the wildcards among the resources of a policy: exactly these, so that another one is still found. */
export function acceptWildcards(construct: IConstruct, resources: readonly string[], reason: string): void {
  for (const resource of resources.filter((one) => one.includes("*"))) {
    const name = flattenCfnReference(Stack.of(construct).resolve(resource));
    accept(construct, `AwsSolutions-IAM5[Resource::${name}]`, reason);
  }
}
