/** What `offshoot doctor` checks where the service's own variables are set. */
import { createClusterControl } from "../../adapters/dsql-control.ts";
import { createCredentials } from "../../adapters/dsql-credentials.ts";
import { createGitHubClient } from "../../adapters/github-client.ts";
import { type Config, readConfig } from "../../config.ts";
import { Refused } from "../../domain/errors.ts";
import { type Check, type Finding, findingsOf } from "../findings.ts";
import type { Io } from "../terminal.ts";
import { withStore } from "./store.ts";

/** Checks configuration, store, AWS and the GitHub App. Without a whole configuration only the store is asked. */
export async function operatorFindings(io: Io): Promise<Finding[]> {
  const findings = await findingsOf([
    ["configuration", async () => `complete; the service is reached at ${readConfig(io.env).api.publicUrl}`],
    [
      "store",
      () => withStore(io, async ({ flavour }) => `${flavour} answers, and its schema is this version's`),
    ],
  ]);
  if (!findings[0]?.ok) return findings;
  const config = readConfig(io.env);
  const outside: readonly Check[] = [
    ["AWS", () => clustersText(config)],
    ["GitHub App", () => appText(config)],
  ];
  return [...findings, ...(await findingsOf(outside))];
}

async function clustersText({ aws, limits }: Config): Promise<string> {
  const { region, dsqlEndpoint } = aws;
  const endpoint = dsqlEndpoint ? { endpoint: dsqlEndpoint } : {};
  const control = createClusterControl({ region, credentials: createCredentials(), ...endpoint });
  try {
    const count = await control.count();
    if (count !== null) return `${count} clusters of ${limits.clusterQuota} in ${region}`;
    const next = "Check the credentials, and that the role may dsql:ListClusters.";
    throw new Refused("aws", `The clusters of ${region} cannot be listed. ${next}`);
  } finally {
    control.close();
  }
}

async function appText({ github }: Config): Promise<string> {
  const client = createGitHubClient({ ...github, appUserAgent: "offshoot" });
  const answer = await client.callAsApp("the App itself", (request) => request("GET /app"));
  if (answer) return `${answer.data?.slug ?? github.appId} is known at ${github.apiUrl}`;
  throw new Refused("github", "GitHub knows no such App. Check OFFSHOOT_GITHUB_APP_ID and the private key.");
}
