import { createAppAuth } from "@octokit/auth-app";
import { Octokit } from "@octokit/core";
import type { InstallationGrants } from "../domain/app-permissions.ts";
import { Refused, Retryable } from "../domain/errors.ts";
import { CALL_TIMEOUT_MS } from "../domain/limits.ts";
import type { Log, RepositoryTarget } from "../handlers/ports.ts";
import { callError, failureOf, tokenError } from "./github-error.ts";
import { grantsOf } from "./github-grants.ts";
import { createTokens, type Scope } from "./github-tokens.ts";

/** Without this header GitHub would move us to another version one day; this one is served until March 2028 at least. */
const API_VERSION = "2022-11-28";
/** A new token may be unknown to some of GitHub's machines for a moment. */
const NEW_TOKEN_WAIT_MS = 1_000;

/** The parameter of a route that replaces its owner and repo; the routes' types know them by name only. */
const BY_ID = "repositoryId";

export interface GitHubOptions {
  readonly appId: number;
  /** PEM, PKCS#1 (as GitHub gives it) or PKCS#8. */
  readonly privateKey: string;
  /** The REST API, such as https://api.github.com. */
  readonly apiUrl: string;
  /** The host that pull requests are keyed by, such as github.com. */
  readonly host: string;
  readonly appUserAgent: string;
  readonly log?: Log;
  readonly callTimeoutMs?: number;
}

export type Request = Octokit["request"];
export type RepositoryPath = { readonly owner: string; readonly repo: string };

export interface GitHubClient {
  /**
   * Sends one request with a token for the target's repository only, so that nothing can be written to another one that
   * has taken its name over. Null for 404. Throws Retryable and Refused as the port says. Never repeats a
   * request that may have had an effect.
   */
  call<Response extends { readonly data: unknown; readonly status: number }>(
    target: RepositoryTarget,
    what: string,
    send: (request: Request, repository: RepositoryPath) => Promise<Response>,
  ): Promise<Response | null>;
  /**
   * The same for what is only read and then believed: the repository is addressed by its id, because what is public can
   * be read with any token, and another repository may have the name by now. GitHub serves whatever is below a
   * repository's name below `/repositories/{id}` too: its redirects after a rename and its Link headers lead there.
   */
  read<Response extends { readonly data: unknown; readonly status: number }>(
    target: RepositoryTarget,
    what: string,
    send: (request: Request, repository: RepositoryPath) => Promise<Response>,
  ): Promise<Response | null>;
  /** The same for a repository whose id is not known yet: the token reaches the one that has the name now. */
  callByName<Response extends { readonly data: unknown; readonly status: number }>(
    installationId: number,
    repositoryName: string,
    what: string,
    send: (request: Request) => Promise<Response>,
  ): Promise<Response | null>;
  /** What an installation was granted; null if it is gone. Believed for APP_GRANTS_MS. */
  grants(installationId: number): Promise<InstallationGrants | null>;
  /** Sends one request as the App itself, which sees where it is installed and nothing else. Null for 404. */
  callAsApp<Response extends { readonly data: unknown; readonly status: number }>(
    what: string,
    send: (request: Request) => Promise<Response>,
  ): Promise<Response | null>;
}

/** Octokit without plugins: retries and waits belong to the wakeup that makes the call. Tokens are cached by auth-app. */
export function createGitHubClient(options: GitHubOptions): GitHubClient {
  const octokit = createOctokit(options);
  const auth = createAppAuth({
    appId: options.appId,
    privateKey: options.privateKey,
    request: octokit.request,
    log: octokit.log,
  });
  const callAsApp: GitHubClient["callAsApp"] = async (what, send) => {
    const request = await auth({ type: "app" }).then(
      ({ token }) => octokit.request.defaults({ headers: { authorization: `bearer ${token}` } }),
      (error: unknown) => {
        throw tokenError(0, failureOf(error));
      },
    );
    const sent = await attempt(what, () => send(request));
    if (sent !== "unauthorized") return sent;
    throw tokenError(0, { status: 401, message: "its key was refused.", headers: {} });
  };
  const tokens = createTokens(
    (scope, permissions, refresh) => auth({ type: "installation", ...scope, permissions, refresh }),
    (installationId) => readInstallation(callAsApp, installationId),
  );
  /** With a token of the installation for one repository; a token that GitHub does not know yet is made again once. */
  const sendWithin = async <Response extends { readonly data: unknown; readonly status: number }>(
    scope: Scope,
    what: string,
    send: (request: Request) => Promise<Response>,
  ): Promise<Response | null> => {
    for (const refresh of [false, true]) {
      const token = await tokens.token(scope, refresh);
      if (token === null) return null;
      const request = octokit.request.defaults({ headers: { authorization: `token ${token}` } });
      const sent = await attempt(what, () => send(request));
      if (sent !== "unauthorized") return sent;
    }
    const text = `GitHub does not know a token yet that it has just made, asked for ${what}.`;
    throw new Retryable("github_unavailable", text, { afterMs: NEW_TOKEN_WAIT_MS });
  };
  return {
    callAsApp,
    grants: tokens.grants,
    async call(target, what, send) {
      const { installationId, repositoryId } = target;
      const repository = repositoryPath(target, options.host);
      return sendWithin({ installationId, repositoryIds: [repositoryId] }, what, (request) =>
        send(request, repository),
      );
    },
    async read(target, what, send) {
      const { installationId, repositoryId } = target;
      const repository = { ...repositoryPath(target, options.host), [BY_ID]: repositoryId };
      return sendWithin({ installationId, repositoryIds: [repositoryId] }, what, (request) =>
        send(request, repository),
      );
    },
    callByName: (installationId, repositoryName, what, send) =>
      sendWithin({ installationId, repositoryNames: [repositoryName] }, what, send),
  };
}

/** What an installation was granted, asked as the App; null if it is gone. */
async function readInstallation(
  callAsApp: GitHubClient["callAsApp"],
  installationId: number,
): Promise<InstallationGrants | null> {
  const answer = await callAsApp(`installation ${installationId}`, (request) =>
    request("GET /app/installations/{installation_id}", { installation_id: installationId }),
  );
  return answer && grantsOf(answer.data);
}

/** Octokit with our version of the API, time limit and log. It sends no credentials by itself. */
export function createOctokit(
  options: Pick<GitHubOptions, "apiUrl" | "appUserAgent" | "log" | "callTimeoutMs">,
): Octokit {
  const { log } = options;
  // Octokit's messages hold routes and statuses, no bodies; without a log it would write to the console.
  const warn = (message: string) => log?.warn({}, message);
  const quiet = { debug: () => undefined, info: () => undefined, warn, error: warn };
  const octokit = new Octokit({
    baseUrl: options.apiUrl,
    userAgent: options.appUserAgent,
    log: quiet,
    request: { log: quiet },
  });
  const timeoutMs = options.callTimeoutMs ?? CALL_TIMEOUT_MS;
  octokit.hook.before("request", (request) => {
    request.headers["x-github-api-version"] = API_VERSION;
    request.request = { ...request.request, signal: AbortSignal.timeout(timeoutMs) };
    if (request[BY_ID] !== undefined) addressById(request);
  });
  return octokit;
}

/** Parameters that the URL does not hold would be sent as a query. */
function addressById(request: { url: string; [parameter: string]: unknown }): void {
  request.url = request.url.replace("/repos/{owner}/{repo}/", `/repositories/${request[BY_ID]}/`);
  for (const parameter of [BY_ID, "owner", "repo"]) delete request[parameter];
}

/** The response, null for 404, or that the token was refused: then nothing was done, and a new one may help. */
export async function attempt<Response extends { readonly data: unknown; readonly status: number }>(
  what: string,
  send: () => Promise<Response>,
): Promise<Response | null | "unauthorized"> {
  try {
    const response = await send();
    // Octokit hands out the text of a body that ended early, or that a proxy made, as if it were an answer.
    const isJson = typeof response.data === "object" && response.data !== null;
    if (isJson || response.status === 204) return response;
  } catch (error) {
    const failure = failureOf(error);
    if (failure.status === 404) return null;
    if (failure.status === 401) return "unauthorized";
    throw callError(what, failure.status === 0 ? { ...failure, status: 500 } : failure);
  }
  throw new Retryable("github_unavailable", `GitHub's answer for ${what} could not be read.`);
}

/**
 * The id of what a POST has made. Throws Retryable `repository_moved` without one: a redirect with 301 turns a POST into a
 * GET of the list, and nothing was written; GitHub sends 307, which repeats it.
 */
export function madeBy(
  { data }: { readonly data: { readonly id: number | bigint } },
  { repositoryName }: RepositoryTarget,
): { readonly id: number } {
  const id = Number(data.id);
  if (Number.isSafeInteger(id)) return { id };
  const text = `${repositoryName} was renamed; its new name is not known yet.`;
  throw new Retryable("repository_moved", text);
}

function repositoryPath(target: RepositoryTarget, host: string): RepositoryPath {
  const [, owner, repo] = /^([\w.-]+)\/([\w.-]+)$/.exec(target.repositoryName) ?? [];
  if (target.host !== host) {
    throw new Refused("wrong_host", `${target.host} is not the GitHub of this service, which is ${host}.`);
  }
  if (!owner || !repo) {
    throw new Refused("invalid_request", "The repository's name must have the form owner/name.");
  }
  return { owner, repo };
}
