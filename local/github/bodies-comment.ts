import { appBody } from "./bodies-app.ts";
import { associationOf } from "./bodies-pull.ts";
import { nodeId, type Schemas, type Site, timeText, userBody } from "./bodies-repository.ts";
import { type Comment, fullName, type Pull, REACTIONS, type Reaction } from "./model.ts";
import type { State } from "./state.ts";

export function commentBody(site: Site, state: State, comment: Comment): Schemas["issue-comment"] {
  const { id, pull, author, body } = comment;
  const name = fullName(pull.repository);
  const url = `${site.apiUrl}/repos/${name}/issues/comments/${id}`;
  const app = state.apps.current();
  return {
    ...{ id, node_id: nodeId("IssueComment", id), url, body, user: userBody(site, author) },
    html_url: `${site.pageUrl}/${name}/pull/${pull.number}#issuecomment-${id}`,
    issue_url: `${site.apiUrl}/repos/${name}/issues/${pull.number}`,
    ...{ created_at: timeText(comment.createdAt), updated_at: timeText(comment.updatedAt) },
    author_association: associationOf(pull.repository, author),
    performed_via_github_app: comment.viaApp && app ? appBody(site, state, app) : null,
    reactions: reactionCounts(`${url}/reactions`, comment.reactions),
  };
}

export function reactionBody(site: Site, { id, author, content, createdAt }: Reaction): Schemas["reaction"] {
  const user = userBody(site, author);
  return { id, node_id: nodeId("Reaction", id), user, content, created_at: timeText(createdAt) };
}

/** The issue that every pull request also is, as webhooks about comments have it. */
export function issueBody(site: Site, pull: Pull) {
  const { number, repository, title, body, state, draft } = pull;
  const name = fullName(repository);
  const repositoryUrl = `${site.apiUrl}/repos/${name}`;
  const url = `${repositoryUrl}/issues/${number}`;
  const html = `${site.pageUrl}/${name}/pull/${number}`;
  return {
    ...{ id: pull.id + 1_000_000_000, node_id: nodeId("Issue", pull.id), number, title, body, state, draft },
    ...{ url, repository_url: repositoryUrl, html_url: html, comments_url: `${url}/comments` },
    ...{ labels_url: `${url}/labels{/name}`, events_url: `${url}/events`, timeline_url: `${url}/timeline` },
    ...{ user: userBody(site, pull.author), author_association: associationOf(repository, pull.author) },
    ...{ created_at: timeText(pull.createdAt), updated_at: timeText(pull.updatedAt) },
    ...{ closed_at: pull.closedAt && timeText(pull.closedAt), comments: pull.comments.length },
    ...{
      labels: [],
      assignee: null,
      assignees: [],
      milestone: null,
      locked: false,
      active_lock_reason: null,
    },
    ...{
      performed_via_github_app: null,
      state_reason: null,
      reactions: reactionCounts(`${url}/reactions`, []),
    },
    pull_request: {
      url: `${repositoryUrl}/pulls/${number}`,
      html_url: html,
      diff_url: `${html}.diff`,
      patch_url: `${html}.patch`,
      merged_at: pull.merge && timeText(pull.merge.at),
    },
  };
}

function reactionCounts(url: string, reactions: readonly Reaction[]): Schemas["reaction-rollup"] {
  const count = (content: string) => reactions.filter((one) => one.content === content).length;
  const counts = Object.fromEntries(REACTIONS.map((content) => [content, count(content)])) as Record<
    (typeof REACTIONS)[number],
    number
  >;
  return { url, total_count: reactions.length, ...counts };
}
