import { createHash } from "node:crypto";
import { bodyOf, openedExample, type Payload, requestOf, SECRET } from "./deliveries.ts";

/** As those of a busy organization: each needs a token of its own from GitHub. */
const REPOSITORIES = 50;
const FIRST_REPOSITORY_ID = 1_000;
/** Every tenth is opened from a fork: it becomes a row and a comment, and never a cluster. The others are closed. */
const FORK_EVERY = 10;
const INSTALLATION_ID = 2;

/** One pull request of the burst. */
export interface BurstPull {
  readonly repositoryId: number;
  readonly repositoryName: string;
  readonly number: number;
  readonly isFork: boolean;
}

export function pullAt(index: number): BurstPull {
  const place = index % REPOSITORIES;
  const number = Math.floor(index / REPOSITORIES) + 1;
  return pullOf(place, number);
}

/** By the path of its API, such as `acme/shop-7` and 12. */
export function pullNamed(repositoryName: string, number: number): BurstPull {
  return pullOf(Number(repositoryName.split("-").at(-1)), number);
}

function pullOf(place: number, number: number): BurstPull {
  return {
    ...{ repositoryId: FIRST_REPOSITORY_ID + place, repositoryName: `acme/shop-${place}`, number },
    isFork: number % FORK_EVERY === 0,
  };
}

/** The pull request as GitHub shows it, of the size that it has there. */
export function pullBody(pull: BurstPull): object {
  return payloadOf(pull).pull_request;
}

/** Its only delivery, as it goes over the wire. The guid is made of its address, so a second one would be a replay. */
export function requestFor(pull: BurstPull): Buffer {
  const { repositoryName, number } = pull;
  const guid = createHash("sha256").update(`${repositoryName}#${number}`).digest("hex").slice(0, 36);
  return requestOf(bodyOf(payloadOf(pull)), SECRET, guid);
}

const EXAMPLE = openedExample();

function payloadOf({ repositoryId, repositoryName, number, isFork }: BurstPull): Payload {
  const repository = { ...(EXAMPLE["repository"] as object), id: repositoryId, full_name: repositoryName };
  const { head, base } = EXAMPLE.pull_request as { readonly head: object; readonly base: object };
  const state = isFork
    ? { state: "open", closed_at: null }
    : { state: "closed", closed_at: "2026-11-25T10:00:00Z" };
  return {
    ...EXAMPLE,
    ...{ action: isFork ? "opened" : "closed", number, repository, installation: { id: INSTALLATION_ID } },
    pull_request: {
      ...EXAMPLE.pull_request,
      ...{ number, merged: false, ...state },
      head: { ...head, repo: isFork ? { ...repository, id: 1 } : repository },
      base: { ...base, repo: repository },
    },
  };
}
