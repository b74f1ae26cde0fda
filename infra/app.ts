/** The CDK app. `scripts/synth` and `scripts/deploy` run it; the settings are environment variables (README, Deploy to AWS). */
import { App, Validations } from "aws-cdk-lib";
import { AwsSolutionsChecks } from "cdk-nag";
import { ConfigProblems } from "../service/config.ts";
import { readSettings, type Settings } from "./settings.ts";
import { createStack } from "./stack.ts";

const app = new App({ analyticsReporting: false, stackTraces: false, treeMetadata: false });
Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
createStack(app, settings());
app.synth();

function settings(): Settings {
  try {
    return readSettings({ AWS_REGION: process.env["CDK_DEFAULT_REGION"], ...process.env });
  } catch (error) {
    if (!(error instanceof ConfigProblems)) throw error;
    console.error(error.message);
    process.exit(1);
  }
}
