import { commentBody, issueBody } from "./bodies-comment.ts";
import { pullBody } from "./bodies-pull.ts";
import { nodeId, repositoryBody, type Site, userBody } from "./bodies-repository.ts";
import { type Account, type Change, type PullChange, placeOf } from "./model.ts";
import { branchSubject } from "./payloads-branch.ts";
import { INSTALLATION_ID, type State } from "./state.ts";

/** The body of the webhook that tells a change, as it is now. */
export function payloadOf(site: Site, state: State, change: Change): Record<string, unknown> {
  const subject = "gitBranch" in change ? branchSubject(site, change) : pullSubject(site, state, change);
  return {
    repository: repositoryBody(site, placeOf(change)),
    ...subject,
    organization: organisationBody(site, state.organisation),
    sender: userBody(site, change.sender),
    installation: { id: INSTALLATION_ID, node_id: nodeId("Installation", INSTALLATION_ID) },
  };
}

function pullSubject(site: Site, state: State, { action, pull, comment, more }: PullChange) {
  const subject = comment
    ? { issue: issueBody(site, pull), comment: commentBody(site, state, comment) }
    : { number: pull.number, pull_request: pullBody(site, pull) };
  return { action, ...subject, ...more };
}

function organisationBody({ apiUrl, pageUrl }: Site, { login, id }: Account) {
  const url = `${apiUrl}/orgs/${login}`;
  return {
    ...{ login, id, node_id: nodeId("Organization", id), url, description: "" },
    ...{ repos_url: `${url}/repos`, events_url: `${url}/events`, hooks_url: `${url}/hooks` },
    ...{ issues_url: `${url}/issues`, members_url: `${url}/members{/member}` },
    ...{ public_members_url: `${url}/public_members{/member}`, avatar_url: `${pageUrl}/avatars/${id}` },
  };
}
