/** Where the epoch is kept outside the store (domain/epoch.ts). */
import type { StoreConfig } from "./config-shape.ts";
import type { Reader } from "./env-reader.ts";

const PARAMETER = "OFFSHOOT_EPOCH_PARAMETER";
const FILE = "OFFSHOOT_EPOCH_FILE";
/** A name of SSM with its path; AWS refuses those that begin with aws or ssm. */
const NAME = /^\/(?!aws|ssm)[\w.-]+(\/[\w.-]+){0,14}$/i;

/** Reads and checks them; problems go to `read`. */
export function epochConfig(read: Reader): StoreConfig["epoch"] {
  const name = read.optional(PARAMETER, NAME, "the name of an SSM parameter, such as /offshoot/epoch");
  const path = read.path(FILE, "the path of a file that is not restored with the store");
  if (name !== null && path !== null) {
    read.problem(FILE, "a value", `nothing, because ${PARAMETER} is set too`);
    return null;
  }
  if (path !== null) return { kind: "file", path };
  if (name === null) return null;
  return {
    kind: "parameter",
    name,
    endpoint: read.url("OFFSHOOT_SSM_ENDPOINT", ["http:", "https:"], "") || null,
  };
}
