import { randomBytes } from "node:crypto";
import { badCredentials, invalid } from "./api-error.ts";
import type { Site } from "./bodies-repository.ts";
import { baseHeadOf, testMergeCommit } from "./commits.ts";
import { type Account, fullName, type Pull, type Repository } from "./model.ts";
import { ACTIONS_PREFIX, type Claims } from "./oidc.ts";
import { BASE_BRANCH, type State } from "./state.ts";

/** What workflows are triggered by here, of what GitHub has. */
export const JOB_EVENTS = [
  ...["pull_request", "pull_request_target", "push", "workflow_dispatch"],
  ...["issue_comment", "workflow_run", "schedule"],
] as const;
/** A bound on the jobs whose tokens are remembered. */
const JOBS_MAX = 1_000;
const WORKFLOW = { name: "Preview", file: ".github/workflows/preview.yml", job: "preview" };
/** Opaque; GitHub's is a JWT of its own. */
const REQUEST_TOKEN_BYTES = 96;

export interface JobRequest {
  readonly event: (typeof JOB_EVENTS)[number];
  /** The pull request, for the events about one. */
  readonly number?: number;
  /** The git branch, for the others; by default the default branch. */
  readonly gitBranch?: string;
  readonly actor?: Account;
  /** The deployment environment that the job names. */
  readonly environment?: string;
  /** The form of the subject; by default that of the repository. */
  readonly immutableSubject?: boolean;
}

export type Jobs = ReturnType<typeof createJobs>;

interface Job {
  readonly requestToken: string;
  readonly claims: Claims;
}

/** What a run is about: the commit that it has checked out, and the sides of its pull request. */
interface Run {
  readonly ref: string;
  readonly sha: string;
  readonly pull: Pull | null;
}

/** The jobs of workflows: what their environment says, and the claims of their OIDC tokens. */
export function createJobs(site: Site, state: State) {
  let jobs: ReadonlyMap<string, Job> = new Map();
  let runs = 0;
  const claimsOf = (repository: Repository, request: JobRequest): Claims => {
    runs += 1;
    const run = runOf(state, repository, request);
    const actor = request.actor ?? run.pull?.author ?? state.actors[0] ?? state.organisation;
    return {
      ...subjectOf(repository, request, run),
      ...repositoryClaims(repository),
      ...runClaims(repository, request.event, run),
      ...{ actor: actor.login, actor_id: String(actor.id) },
      ...{ run_id: String(state.nextId()), run_number: String(runs), run_attempt: "1" },
      ...{ runner_environment: "github-hosted", check_run_id: String(state.nextId()) },
    };
  };
  return {
    /** The claims of a job's tokens, but for times and audience. Throws 422 for what cannot run. */
    claimsOf,
    /** Starts a job. Out: its environment variables. It may ask for tokens unless its pull request is a fork's. */
    start(repository: Repository, request: JobRequest): Readonly<Record<string, string>> {
      const claims = claimsOf(repository, request);
      const variables = variablesOf(site, claims);
      // GITHUB_TOKEN reads only, and id-token is none. (github_token-reference)
      const pull = pullOf(state, repository, request);
      if (request.event === "pull_request" && pull?.head !== pull?.repository) return variables;
      const requestToken = randomBytes(REQUEST_TOKEN_BYTES).toString("base64url");
      const id = claims["run_id"] ?? "";
      jobs = new Map([...jobs, [id, { requestToken, claims }] as const].slice(-JOBS_MAX));
      return {
        ...variables,
        ACTIONS_ID_TOKEN_REQUEST_URL: `${site.pageUrl}${ACTIONS_PREFIX}/idtoken/${id}?api-version=2.0`,
        ACTIONS_ID_TOKEN_REQUEST_TOKEN: requestToken,
      };
    },
    /** The claims of a running job. Throws 401 unless it is its own token. */
    claimsFor(id: string, requestToken: string): Claims {
      const job = jobs.get(id);
      if (!job || job.requestToken !== requestToken) throw badCredentials();
      return job.claims;
    },
  };
}

/** What a job has checked out. A pull request that is closed runs on its base, so that its number cannot be told. */
function runOf(state: State, repository: Repository, request: JobRequest): Run {
  const pull = pullOf(state, repository, request);
  if (pull && request.event === "pull_request" && pull.state === "open") {
    return { ref: `refs/pull/${pull.number}/merge`, sha: testMergeCommit(pull), pull };
  }
  if (pull) return { ref: `refs/heads/${pull.baseRef}`, sha: baseHeadOf(pull), pull };
  const { gitBranch = BASE_BRANCH } = request;
  const sha = repository.branches.get(gitBranch);
  if (sha === undefined) throw invalid(`No ref found for: ${gitBranch}`);
  return { ref: `refs/heads/${gitBranch}`, sha, pull: null };
}

function pullOf(state: State, repository: Repository, { event, number }: JobRequest): Pull | null {
  if (event !== "pull_request" && event !== "pull_request_target") return null;
  const pull = state.pull(repository, number ?? 0);
  if (!pull) throw invalid(`A job of ${event} needs the number of a pull request.`);
  return pull;
}

/** An environment wins over the pull request, which wins over the git branch. (oidc.md, "subject claims") */
function subjectOf(repository: Repository, request: JobRequest, { ref }: Run): Claims {
  const { environment, event, immutableSubject = repository.immutableSubject } = request;
  const { owner, name, id } = repository;
  const place = immutableSubject ? `${owner.login}@${owner.id}/${name}@${id}` : fullName(repository);
  if (environment !== undefined) {
    return { sub: `repo:${place}:environment:${environment.replaceAll(":", "%3A")}`, environment };
  }
  return { sub: `repo:${place}:${event === "pull_request" ? event : `ref:${ref}`}` };
}

function repositoryClaims(repository: Repository): Claims {
  const { id, owner } = repository;
  return {
    ...{ repository: fullName(repository), repository_id: String(id) },
    ...{ repository_owner: owner.login, repository_owner_id: String(owner.id) },
    repository_visibility: repository.private ? "private" : "public",
  };
}

function runClaims(repository: Repository, event: string, { ref, sha, pull }: Run): Claims {
  const workflowRef = `${fullName(repository)}/${WORKFLOW.file}@${ref}`;
  return {
    ...{ event_name: event, ref, ref_type: "branch", sha },
    ...{ head_ref: pull?.headRef ?? "", base_ref: pull?.baseRef ?? "" },
    ...{ workflow: WORKFLOW.name, workflow_ref: workflowRef, workflow_sha: sha },
    ...{ job_workflow_ref: workflowRef, job_workflow_sha: sha },
  };
}

/** The variables that are claims too, under the names of a runner. */
const CLAIM_VARIABLES = [
  ...["repository", "repository_id", "repository_owner", "repository_owner_id", "event_name"],
  ...["ref", "ref_type", "sha", "head_ref", "base_ref", "actor", "actor_id"],
  ...["run_id", "run_number", "run_attempt", "workflow", "workflow_ref", "workflow_sha"],
];

function variablesOf({ pageUrl, apiUrl }: Site, claims: Claims): Readonly<Record<string, string>> {
  const named = CLAIM_VARIABLES.map((name) => [`GITHUB_${name.toUpperCase()}`, claims[name] ?? ""]);
  return {
    ...{ CI: "true", GITHUB_ACTIONS: "true", GITHUB_SERVER_URL: pageUrl, GITHUB_API_URL: apiUrl },
    ...Object.fromEntries(named),
    // The short name: `main`, or `1/merge`.
    GITHUB_REF_NAME: (claims["ref"] ?? "").replace(/^refs\/(heads|pull)\//, ""),
    ...{ GITHUB_JOB: WORKFLOW.job, RUNNER_ENVIRONMENT: claims["runner_environment"] ?? "" },
  };
}
