/** The CDK app. `scripts/synth` and `scripts/deploy` run it; the settings are environment variables (README, Deploy to AWS). */
import { App, Validations } from "aws-cdk-lib";
import { AwsSolutionsChecks } from "cdk-nag";
import { readSettings } from "./settings.ts";
import { createStack } from "./stack.ts";

const app = new App({ analyticsReporting: false });
Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
createStack(app, readSettings({ AWS_REGION: process.env["CDK_DEFAULT_REGION"], ...process.env }));
app.synth();
