import { RemovalPolicy } from "aws-cdk-lib";
import { CfnCluster } from "aws-cdk-lib/aws-dsql";
import type { Construct } from "constructs";
import { STORE_TAGS } from "./names.ts";

export interface Store {
  readonly arn: string;
  readonly identifier: string;
  readonly endpoint: string;
}

/**
 * The service's own DSQL cluster. What it holds cannot be made again, so it is protected from deletion and stays when the
 * stack goes; `scripts/destroy --with-store` is the only way to remove it.
 */
export function createStore(scope: Construct, kmsKeyArn: string | null): Store {
  const cluster = new CfnCluster(scope, "Store", {
    deletionProtectionEnabled: true,
    tags: Object.entries(STORE_TAGS).map(([key, value]) => ({ key, value })),
    ...(kmsKeyArn !== null && { kmsEncryptionKey: kmsKeyArn }),
  });
  cluster.applyRemovalPolicy(RemovalPolicy.RETAIN);
  return { arn: cluster.attrResourceArn, identifier: cluster.attrIdentifier, endpoint: cluster.attrEndpoint };
}
