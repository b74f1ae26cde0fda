import { pullFiles } from "./bodies-pull.ts";
import { type Site, timeText } from "./bodies-repository.ts";
import { diffFiles } from "./git.ts";
import { renderMarkdown } from "./markdown.ts";
import { type Comment, fullName, type Pull, permissionOf } from "./model.ts";
import type { State } from "./state.ts";

/** All repositories, pull requests and people at a glance; permissions are those in the first repository. */
export function showOverview(state: State) {
  const [first] = state.installed;
  return {
    users: state.actors.map(({ login }) => ({
      login,
      permission: first ? permissionOf(first, login) : "none",
    })),
    repositories: state.installed.map((repository) => ({
      name: fullName(repository),
      pulls: repository.pulls.map((pull) => summary(pull)),
    })),
  };
}

/** One pull request with its commits, the files and check runs at its head, and its conversation. */
export async function showPull(site: Site, state: State, pull: Pull) {
  const { objects } = pull.repository;
  const commits = pull.commits.map((sha) => {
    const commit = objects.commit(sha);
    const before = objects.files(commit?.parents[0] ?? "");
    const files = diffFiles(before, objects.files(sha)).map(({ path }) => path);
    return { sha, message: commit?.message ?? "", files };
  });
  return {
    pull: {
      ...{ ...summary(pull), headSha: pull.headSha, commits },
      files: Object.fromEntries(objects.files(pull.headSha)),
      changed: pullFiles(pull).map(({ path, status }) => ({ path, status })),
    },
    checks: state.checks
      .at(pull.repository, pull.headSha, "latest")
      .map(({ id, name, status, conclusion, title, summary, annotations, detailsUrl }) => ({
        ...{ id, name, status, conclusion, title, summary, annotations, detailsUrl },
      })),
    comments: await Promise.all(pull.comments.map((comment) => showComment(site, comment))),
  };
}

async function showComment({ pageUrl }: Site, comment: Comment) {
  const { id, author, viaApp, body, pull } = comment;
  const reactions: Record<string, string[]> = {};
  for (const { content, author: who } of comment.reactions) {
    reactions[content] = [...(reactions[content] ?? []), who.login];
  }
  return {
    ...{ id, author: author.login, isApp: viaApp, body, reactions },
    html: await renderMarkdown(body, { repository: fullName(pull.repository), pageUrl }),
    ...{ createdAt: timeText(comment.createdAt), updatedAt: timeText(comment.updatedAt) },
  };
}

function summary(pull: Pull) {
  const { number, title, author, state, headRef, draft, merge, head, repository } = pull;
  return {
    ...{ number, title, author: author.login, state: merge ? "merged" : state, branch: headRef, draft },
    fork: head !== repository,
  };
}
