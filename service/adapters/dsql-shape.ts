import type { SeenCluster } from "../domain/cluster.ts";
import type { ClusterTags } from "../handlers/ports.ts";

/** Patterns and bounds of the service model (dsql 2018-05-10). */
const IDENTIFIER = /^[a-z0-9]{26}$/;
const CLIENT_TOKEN = /^[!-~]{1,128}$/;
const TAG_KEY = /^[A-Za-z0-9_.:/=+\-@ ]{1,128}$/;
const TAG_VALUE = /^[A-Za-z0-9_.:/=+\-@ ]{0,256}$/;
/** AWS' general limit of tags on one resource; the service model names a higher one. */
const TAGS_MAX = 50;
/** The endpoint becomes the host of an admin token: nothing but a host name of DSQL is accepted. */
const ENDPOINT = /^[a-z0-9]{26}\.dsql[a-z0-9-]*\.[a-z0-9-]+\.on\.aws$/;

/** What the answers of CreateCluster and GetCluster have in common. */
interface Answer {
  readonly identifier: string | undefined;
  readonly arn: string | undefined;
  readonly status: string | undefined;
  readonly endpoint?: string | undefined;
  readonly deletionProtectionEnabled: boolean | undefined;
}

type SeenKind = "creating" | "usable" | "failed" | "deleting";

/**
 * PENDING_SETUP and anything new stay out: they exist for clusters in several Regions, which Offshoot does not make.
 * IDLE and INACTIVE wake up when somebody connects; UPDATING goes on serving.
 */
const KINDS: ReadonlyMap<string, SeenKind> = new Map([
  ["CREATING", "creating"],
  ["ACTIVE", "usable"],
  ["IDLE", "usable"],
  ["INACTIVE", "usable"],
  ["UPDATING", "usable"],
  ["FAILED", "failed"],
  ["DELETING", "deleting"],
  ["DELETED", "deleting"],
  ["PENDING_DELETE", "deleting"],
]);

/** Turns AWS' answer into what was seen; an answer that is not understood is `unknown`. */
export function observationOf(
  answer: Answer,
  region: string,
): ({ readonly kind: SeenKind } & SeenCluster) | { readonly kind: "unknown"; readonly cause: string } {
  const { identifier = "", arn, status = "" } = answer;
  const kind = KINDS.get(status);
  if (!isIdentifier(identifier) || !arn) return { kind: "unknown", cause: "AWS answered without an id." };
  if (!kind) return { kind: "unknown", cause: `AWS answered with the status ${status.slice(0, 40)}.` };
  // The model lets CreateCluster leave the endpoint out.
  const endpoint = answer.endpoint || `${identifier}.dsql.${region}.on.aws`;
  if (!isEndpoint(endpoint)) return { kind: "unknown", cause: "AWS answered with an odd endpoint." };
  return { kind, identifier, arn, endpoint, deletionProtected: answer.deletionProtectionEnabled !== false };
}

/** What is wrong with a request to create, as AWS would see it; null if nothing is. */
export function checkCreate(clientToken: string, tags: ClusterTags): string | null {
  if (!CLIENT_TOKEN.test(clientToken)) return "The client token must be 1 to 128 printable characters.";
  return checkTags(tags);
}

/** What is wrong with the tags of a cluster, as AWS would see it; null if nothing is. */
export function checkTags(tags: ClusterTags): string | null {
  const entries = Object.entries(tags);
  if (entries.length > TAGS_MAX) return `A cluster may carry ${TAGS_MAX} tags, not ${entries.length}.`;
  const wrong = entries.find(([key, value]) => !TAG_KEY.test(key) || !TAG_VALUE.test(value));
  return wrong ? `The tag ${wrong[0].slice(0, 128)} has characters or a length that AWS refuses.` : null;
}

/** Whether a text is the identifier of a cluster. */
export function isIdentifier(text: string): boolean {
  return IDENTIFIER.test(text);
}

/** Whether a host is the endpoint of a cluster. */
export function isEndpoint(host: string): boolean {
  return ENDPOINT.test(host);
}
