/** `offshoot iam <repository>`: the exact policies for people, the application's host and CI. */
import { createGitHubClient } from "../../adapters/github-client.ts";
import { describeRepository } from "../../adapters/github-repository.ts";
import { readConfig } from "../../config.ts";
import { type IamFormat, renderIam } from "../../domain/iam-policy.ts";
import { withSecrets } from "../../setup.ts";
import type { Command } from "../command.ts";
import { EXIT, Exit, usage } from "../exit.ts";
import { say, sayJson, shown } from "../terminal.ts";

const FORMATS: readonly IamFormat[] = ["json", "cdk", "terraform"];
const ROLE = /^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]{1,512}$/;

const command: Command = {
  name: "iam",
  usage: "<owner/name>",
  summary: "print the AWS policies that a repository's people and jobs need (operators)",
  args: [1, 1],
  options: {
    format: { type: "string", value: FORMATS.join("|"), help: "json by default" },
    "service-role": {
      type: "string",
      value: "arn",
      help: "the role that the service runs as; with it the signing role is printed too",
    },
  },
  details: "It reads the service's own variables, and asks GitHub for the repository's numbers.",
  async run(io, input) {
    const name = input.args[0] ?? "";
    const format = FORMATS.find((one) => one === (input.text("format") ?? "json"));
    if (!format) throw usage(`--format is one of ${FORMATS.join(", ")}.`);
    const serviceRoleArn = input.text("service-role") ?? null;
    if (serviceRoleArn !== null && !ROLE.test(serviceRoleArn))
      throw usage("--service-role is an IAM role's ARN.");
    if (!/^[\w.-]+\/[\w.-]+$/.test(name)) throw usage("The repository has the form owner/name.");
    const { aws, github, access } = readConfig(await withSecrets(io.env));
    const client = createGitHubClient({ ...github, appUserAgent: "offshoot" });
    const repository = await describeRepository(client, name);
    if (!repository) {
      const next = "Check the name, and that the GitHub App is installed there.";
      throw new Exit(EXIT.notFound, `GitHub shows no repository ${shown(name)}. ${next}`);
    }
    const { parameterPrefix, tokenRoleArn } = access;
    const installation = { account: aws.account, region: aws.region, host: github.host };
    const text = renderIam(
      { ...installation, repository, parameterPrefix, tokenRoleArn, serviceRoleArn },
      format,
    );
    if (input.json) sayJson(io, { format, text });
    else say(io, text.trimEnd());
    return EXIT.done;
  },
};

export const iamCommands: readonly Command[] = [command];
