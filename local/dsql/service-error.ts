/** An error of the control plane, as the SDK reads it (reference: the API's model, restJson1). */
export class ServiceError extends Error {
  readonly type: string;
  readonly status: number;
  /** Members of the error's body besides `message`. */
  readonly members: Readonly<Record<string, unknown>>;
  readonly retryAfterSeconds: number | undefined;

  constructor(
    type: string,
    status: number,
    message: string,
    members: Record<string, unknown> = {},
    retryAfterSeconds?: number,
  ) {
    super(message);
    this.type = type;
    this.status = status;
    this.members = members;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

export type ValidationReason =
  | "unknownOperation"
  | "cannotParse"
  | "fieldValidationFailed"
  | "deletionProtectionEnabled"
  | "other";

export interface InvalidField {
  name: string;
  message: string;
}

export function validationFailed(
  reason: ValidationReason,
  message: string,
  fieldList?: InvalidField[],
): ServiceError {
  return new ServiceError("ValidationException", 400, message, {
    reason,
    ...(fieldList ? { fieldList } : {}),
  });
}

/** HTTP 402 is what the service really answers. The quota code is ours: AWS publishes none. */
export function quotaExceeded(message: string, resourceId: string): ServiceError {
  const members = { resourceId, resourceType: "cluster", serviceCode: "dsql", quotaCode: "L-LOCAL" };
  return new ServiceError("ServiceQuotaExceededException", 402, message, members);
}

export function accessDenied(message: string): ServiceError {
  return new ServiceError("AccessDeniedException", 403, message);
}

export function clusterNotFound(identifier: string): ServiceError {
  const members = { resourceId: identifier, resourceType: "cluster" };
  return new ServiceError(
    "ResourceNotFoundException",
    404,
    `The cluster ${identifier} does not exist`,
    members,
  );
}

export function noPolicy(identifier: string): ServiceError {
  const members = { resourceId: identifier, resourceType: "cluster-policy" };
  return new ServiceError(
    "ResourceNotFoundException",
    404,
    `The cluster ${identifier} has no policy`,
    members,
  );
}

export function conflict(message: string, identifier?: string): ServiceError {
  const members = identifier === undefined ? {} : { resourceId: identifier, resourceType: "cluster" };
  return new ServiceError("ConflictException", 409, message, members);
}

export function throttled(retryAfterSeconds?: number): ServiceError {
  const members = { serviceCode: "dsql", quotaCode: "L-LOCAL" };
  return new ServiceError("ThrottlingException", 429, "Rate exceeded", members, retryAfterSeconds);
}

export function internalError(retryAfterSeconds?: number): ServiceError {
  return new ServiceError("InternalServerException", 500, "Internal server error", {}, retryAfterSeconds);
}
