import type { FastifyRequest } from "fastify";
import { ApiError, badCredentials, forbidden, moved, notFound } from "./api-error.ts";
import type { PermissionName } from "./app.ts";
import { type Credentials, covers, type Grant } from "./credentials.ts";
import { type Account, type Comment, type Pull, permissionOf, type Repository } from "./model.ts";
import type { State } from "./state.ts";

/** `issues:write`: one of these is enough. */
export type Need = `${PermissionName}:${"read" | "write"}`;
export type Access = ReturnType<typeof createAccess>;

/** Who is asking, and whether they may: the door of the REST API. */
export function createAccess(state: State, credentials: Credentials) {
  const asInstallation = (request: FastifyRequest): Grant => credentials.grantOf(tokenOf(request));
  const isWithin = (grant: Grant, found: Repository) =>
    state.installed.includes(found) && covers(grant, found);
  const repository = (request: FastifyRequest, ...accepted: readonly Need[]): Repository => {
    const grant = asInstallation(request);
    const { owner, repo } = parametersOf(request);
    const named = state.repository(`${owner}/${repo}`);
    const found = named ?? state.repositoryOfId(state.movedFrom(`${owner}/${repo}`) ?? 0);
    if (!found || !(isWithin(grant, found) || isPublicRead(request, found))) throw notFound();
    if (!named) throw moved(request, found.id);
    if (!accepted.some((need) => isAllowed(grant, need))) throw forbidden(acceptedText(accepted));
    return found;
  };
  return {
    /** Throws 401 unless the request carries a JWT of the App. */
    async asApp(request: FastifyRequest): Promise<void> {
      await credentials.checkJwt(tokenOf(request));
    },
    asInstallation,
    /** Whose token the request carries. 403 for the App's own, 401 for any other. */
    asUser(request: FastifyRequest): Account {
      const token = tokenOf(request);
      if (token.startsWith("ghs_") && credentials.grantOf(token)) throw forbidden("");
      return credentials.userOf(token);
    },
    tokenOf,
    /** The repository of the path. 404 if the token does not reach it, 403 if it may not do this there. */
    repository,
    /** The pull request of the path; `{number}` names it. */
    pull(request: FastifyRequest, ...accepted: readonly Need[]): Pull {
      const found = state.pull(repository(request, ...accepted), idOf(request, "number"));
      if (!found) throw notFound();
      return found;
    },
    /** The comment of the path; `{id}` names it. */
    comment(request: FastifyRequest, ...accepted: readonly Need[]): Comment {
      const found = state.comment(repository(request, ...accepted), idOf(request, "id"));
      if (!found) throw notFound();
      return found;
    },
    permission(found: Repository, login: string) {
      const account = state.account(login);
      if (!account || account.type === "Organization") throw new ApiError(404, `${login} is not a user`);
      return { account, permission: permissionOf(found, account.login) };
    },
  };
}

/** What is public can be read with any token: its scope keeps no other repository of the same name away. */
function isPublicRead({ method }: FastifyRequest, found: Repository): boolean {
  return (method === "GET" || method === "HEAD") && !found.private;
}

export function parametersOf(request: FastifyRequest): Readonly<Record<string, string | undefined>> {
  return request.params as Record<string, string>;
}

export function queryOf(request: FastifyRequest): Readonly<Record<string, string | undefined>> {
  return request.query as Record<string, string>;
}

/** A number of the path; 404 for what can be none. */
export function idOf(request: FastifyRequest, name: string): number {
  const text = parametersOf(request)[name] ?? "";
  if (!/^\d{1,15}$/.test(text)) throw notFound();
  return Number(text);
}

/** The fields of a JSON object; GitHub treats a missing body as an empty one. */
export function fieldsOf(request: FastifyRequest): Readonly<Record<string, unknown>> {
  const { body } = request;
  if (body === undefined || body === null) return {};
  if (typeof body !== "object" || Array.isArray(body))
    throw new ApiError(400, "Body should be a JSON object");
  return body as Record<string, unknown>;
}

function tokenOf({ headers }: FastifyRequest): string {
  const [, token] = /^(?:token|bearer) +(\S+)$/i.exec(headers.authorization ?? "") ?? [];
  if (!token) throw badCredentials("Requires authentication");
  return token;
}

function isAllowed({ permissions }: Grant, need: Need): boolean {
  const [name, level] = need.split(":") as [PermissionName, "read" | "write"];
  return permissions[name] === "write" || permissions[name] === level;
}

function acceptedText(accepted: readonly Need[]): string {
  return accepted.map((need) => need.replace(":", "=")).join("; ");
}
