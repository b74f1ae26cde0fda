import type { GitHubClient } from "./github-client.ts";

/** A repository as GitHub has it now, by its name. */
export interface DescribedRepository {
  readonly installationId: number;
  readonly id: number;
  /** owner/name. */
  readonly name: string;
  readonly ownerName: string;
  readonly ownerId: number;
}

/**
 * The repository of that name, if the App is installed there; else null. The installation is asked for first: a token of
 * it then shows the repository's own id, whatever the name was. Throws as GitHubClient does.
 */
export async function describeRepository(
  client: GitHubClient,
  name: string,
): Promise<DescribedRepository | null> {
  const [owner = "", repo = ""] = name.split("/");
  const found = await client.callAsApp(`the installation for ${name}`, (request) =>
    request("GET /repos/{owner}/{repo}/installation", { owner, repo }),
  );
  if (!found) return null;
  const installationId = Number(found.data.id);
  const response = await client.callByName(installationId, repo, `repository ${name}`, (request) =>
    request("GET /repos/{owner}/{repo}", { owner, repo }),
  );
  if (!response) return null;
  const { id, full_name, owner: account } = response.data;
  const ownerId = Number(account.id);
  return { installationId, id: Number(id), name: full_name, ownerName: account.login, ownerId };
}
