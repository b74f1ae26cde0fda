import type { InstallationGrants } from "../domain/app-permissions.ts";
import { Retryable } from "../domain/errors.ts";
import type { AppKey, Apps, SentDelivery } from "../handlers/ports-setup.ts";
import { attempt, createGitHubClient, createOctokit, type GitHubOptions } from "./github-client.ts";
import { askAgain } from "./github-deliveries.ts";
import { granted, grantsOf } from "./github-grants.ts";

/** The most that GitHub gives per page, and pages of installations that are read: a thousand of them. */
const PAGE = 100;
const PAGES_MAX = 10;

export type AppsOptions = Omit<GitHubOptions, "appId" | "privateKey"> & {
  /** The GitHub that people see, such as https://github.com. */
  readonly webUrl: string;
};

/** Apps by Octokit's typed routes. See the port for the errors. */
export function createApps(options: AppsOptions): Apps {
  const clientOf = (app: AppKey) => createGitHubClient({ ...options, ...app });
  return {
    async convert(code) {
      const octokit = createOctokit(options);
      const what = "a new App";
      const answer = await attempt(what, () =>
        octokit.request("POST /app-manifests/{code}/conversions", { code }),
      );
      if (answer === null) return null;
      if (answer === "unauthorized") throw new Retryable("github_unavailable", `GitHub gave no ${what}.`);
      const { id, slug = "", client_id, pem, webhook_secret, html_url } = answer.data;
      return {
        ...{ appId: id, slug, clientId: client_id, privateKey: pem, url: html_url },
        webhookSecret: webhook_secret ?? "",
      };
    },
    async deliveries(app) {
      const answer = await clientOf(app).callAsApp("the App's deliveries", (request) =>
        request("GET /app/hook/deliveries", { per_page: PAGE }),
      );
      return (answer?.data ?? []).map(
        ({ id, event, redelivery, status, status_code }): SentDelivery => ({
          ...{ id: String(id), event, redelivery, status, statusCode: status_code },
        }),
      );
    },
    async redeliver(app, deliveryId) {
      await askAgain(clientOf(app), deliveryId);
    },
    grants: (app) => grants(clientOf(app), options.webUrl),
  };
}

async function grants(client: ReturnType<typeof createGitHubClient>, webUrl: string) {
  const answer = await client.callAsApp("the App itself", (request) => request("GET /app"));
  if (!answer?.data) return null;
  const { slug = "", owner, permissions, events } = answer.data;
  const account = "login" in owner && owner.type === "Organization" ? `/organizations/${owner.login}` : "";
  const told = Date.parse(String(answer.headers.date ?? ""));
  return {
    ...{ slug, settingsUrl: `${webUrl}${account}/settings/apps/${slug}/permissions` },
    ...granted({ permissions, events }),
    installations: await installations(client),
    date: Number.isNaN(told) ? null : new Date(told),
  };
}

/** Those that are not suspended: nothing is asked of the others. */
async function installations(client: ReturnType<typeof createGitHubClient>) {
  const found: InstallationGrants[] = [];
  for (let page = 1; page <= PAGES_MAX; page += 1) {
    const answer = await client.callAsApp("the App's installations", (request) =>
      request("GET /app/installations", { per_page: PAGE, page }),
    );
    for (const installation of answer?.data ?? []) {
      if (installation.suspended_at === null) found.push(grantsOf(installation));
    }
    if (!answer?.headers.link?.includes('rel="next"')) break;
  }
  return found;
}
