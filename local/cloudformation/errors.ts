import { NeighbourError } from "../dsql/neighbour.ts";

/** What CloudFormation calls nearly everything that is wrong with a request. */
export function invalid(message: string): NeighbourError {
  return new NeighbourError("ValidationError", message);
}

/** Ignoring a part that does nothing here would promise what is not there. */
export function notOffered(what: string): NeighbourError {
  return invalid(`${what} is not offered by the local CloudFormation`);
}
