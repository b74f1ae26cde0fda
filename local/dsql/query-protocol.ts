import { randomUUID } from "node:crypto";
import { type Neighbour, NeighbourError } from "./neighbour.ts";
import { type Tree, xml } from "./xml.ts";

/** How services of this protocol call the errors that all of them have; IAM has a word of its own for `internal`. */
export const QUERY_CODES: Neighbour["codes"] = {
  missing: "MissingAuthenticationToken",
  unknown: "InvalidClientTokenId",
  expired: "ExpiredToken",
  signature: "SignatureDoesNotMatch",
  denied: "AccessDenied",
  throttled: "Throttling",
  internal: "InternalFailure",
};

/** What all neighbours in AWS' Query protocol have: a form comes in, and XML of their namespace goes out. */
export function queryProtocol(
  namespace: string,
): Pick<Neighbour, "contentType" | "refusedStatus" | "describe"> {
  return {
    ...{ contentType: "text/xml", refusedStatus: 403 },
    describe: ({ code, message, status }) =>
      xml("ErrorResponse", namespace, {
        Error: { Type: status < 500 ? "Sender" : "Receiver", Code: code, Message: message },
        RequestId: randomUUID(),
      }),
  };
}

/** The body of an operation's answer. */
export function queryAnswer(namespace: string, operation: string, members: Tree): string {
  return xml(`${operation}Response`, namespace, {
    [`${operation}Result`]: members,
    ResponseMetadata: { RequestId: randomUUID() },
  });
}

export function unknownAction(action: string): NeighbourError {
  return new NeighbourError("InvalidAction", `Could not find operation ${action}`);
}
