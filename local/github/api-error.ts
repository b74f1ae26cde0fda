/** An error as GitHub answers it. */
export class ApiError extends Error {
  readonly status: number;
  readonly details: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    message: string,
    details: Readonly<Record<string, unknown>> = {},
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
    this.status = status;
    this.details = details;
    this.headers = headers;
  }
}

const DOCUMENTATION_URL = "https://docs.github.com/rest";

/** The JSON body of an error. */
export function errorBody({ status, message, details }: ApiError): Record<string, unknown> {
  return { message, ...details, documentation_url: DOCUMENTATION_URL, status: String(status) };
}

export function badCredentials(message = "Bad credentials"): ApiError {
  return new ApiError(401, message);
}

/** Also for what a token may not see: its existence is not told. */
export function notFound(): ApiError {
  return new ApiError(404, "Not Found");
}

export function forbidden(accepted: string): ApiError {
  const headers = { "x-accepted-github-permissions": accepted };
  return new ApiError(403, "Resource not accessible by integration", {}, headers);
}

/**
 * A repository that was renamed, at the address that its id has. In: the request, and the id. What writes is answered 307,
 * which is to be repeated as it is, where 301 may be followed by a GET; the message is the same. (18F/charlie#85)
 */
export function moved({ method, url }: { method: string; url: string }, repositoryId: number): ApiError {
  const location = url.replace(/\/repos\/[^/?]+\/[^/?]+/, `/repositories/${repositoryId}`);
  const status = method === "GET" || method === "HEAD" ? 301 : 307;
  return new ApiError(status, "Moved Permanently", { url: location }, { location });
}

/** A body that can be read and not be used. */
export function invalid(message: string): ApiError {
  return new ApiError(422, message);
}

/** The form of GitHub's answers about a single field. */
export function validationFailed(resource: string, field: string, code: string, message?: string): ApiError {
  const error = { resource, code, field, ...(message === undefined ? {} : { message }) };
  return new ApiError(422, "Validation Failed", { errors: [error] });
}
