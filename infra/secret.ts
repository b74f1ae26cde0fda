import { RemovalPolicy, SecretValue } from "aws-cdk-lib";
import type { IKey } from "aws-cdk-lib/aws-kms";
import { Secret } from "aws-cdk-lib/aws-secretsmanager";
import type { Construct } from "constructs";
import { accept } from "./nag.ts";

/**
 * The one secret: the GitHub App's key and webhook secrets, as JSON with the names of the service's variables. The stack
 * makes it empty; GET /setup or a person fills it. A key of GitHub cannot be made again by a stack, so it stays when that goes.
 */
export function createSecret(scope: Construct, key: IKey | null): Secret {
  const secret = new Secret(scope, "Secret", {
    description:
      "The GitHub App of Offshoot: OFFSHOOT_GITHUB_APP_ID and the like, filled by GET /setup or by hand",
    // Nothing secret: the deploy does not know the values, and a later deploy does not touch them.
    secretStringValue: SecretValue.unsafePlainText("{}"),
    ...(key && { encryptionKey: key }),
  });
  secret.applyRemovalPolicy(RemovalPolicy.RETAIN);
  accept(
    secret,
    "AwsSolutions-SMG4",
    "GitHub issues the App's key; it is rotated there and by GET /setup, not on a schedule.",
  );
  return secret;
}
