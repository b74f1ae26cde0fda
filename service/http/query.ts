/** Parts of queries and bodies that are more than a shape: labels, times and addresses, checked at the door. */
import type { Labels } from "../domain/caller.ts";
import { Refused } from "../domain/errors.ts";
import { LABEL_NAME_PATTERN, LABEL_VALUE_PATTERN, LABELS_MAX } from "../domain/limits.ts";

const LABEL_NAME = new RegExp(LABEL_NAME_PATTERN);
const LABEL_VALUE = new RegExp(LABEL_VALUE_PATTERN);
/** The store's dates and people's plans end long before. */
const TIME_FIRST = Date.UTC(2000, 0, 1);
const TIME_LAST = Date.UTC(2200, 0, 1);

/** `label=name=value`, once or repeated. Throws Refused `invalid_request`. */
export function labelsOf(given: string | readonly string[] | undefined): Labels {
  const labels = new Map<string, string>();
  for (const text of [given ?? []].flat()) {
    const at = text.indexOf("=");
    const [name, value] = [text.slice(0, Math.max(at, 0)), text.slice(at + 1)];
    if (!LABEL_NAME.test(name) || !LABEL_VALUE.test(value) || labels.has(name)) {
      throw invalid("query.label must be name=value, with each name once");
    }
    labels.set(name, value);
  }
  if (labels.size > LABELS_MAX) throw invalid(`query.label may be given ${LABELS_MAX} times`);
  return Object.fromEntries(labels);
}

/** A time of a body as a date. Throws Refused `invalid_request` for one that no calendar has. */
export function timeOf(text: string, field: string): Date {
  const time = Date.parse(text);
  if (time >= TIME_FIRST && time < TIME_LAST) return new Date(time);
  throw invalid(`${field} must be a time between the years 2000 and 2200`);
}

/** `until` of a body: left out, null, or a time. */
export function untilOf(body: { readonly until?: string | null }): { readonly until?: Date | null } {
  if (body.until === undefined) return {};
  return { until: body.until === null ? null : timeOf(body.until, "body.until") };
}

export interface Addresses {
  /** GitHub, such as https://github.com. */
  readonly webUrl: string;
  readonly publicUrl: string;
}
type Place = { readonly id: string } | { readonly repository: string; readonly number: number };

const ENVIRONMENT_PATH = /^\/environments\/(env_[0-9a-z]{22})$/;
const PULL_PATH = /^\/([\w-]{1,100}\/[\w.-]{1,100})\/pull\/([1-9]\d{0,8})(?:\/.*)?$/;

/**
 * What a person copies from the address bar: a pull request on GitHub, or the same path at this service, or one of an
 * environment here. Throws Refused `invalid_request`.
 */
export function placeOfUrl(text: string, { webUrl, publicUrl }: Addresses): Place {
  const path = pathBelow(text, webUrl) ?? pathBelow(text, publicUrl);
  const [, id] = ENVIRONMENT_PATH.exec(pathBelow(text, publicUrl) ?? "") ?? [];
  if (id) return { id };
  const [, repository, number] = PULL_PATH.exec(path ?? "") ?? [];
  if (repository && number) return { repository, number: Number(number) };
  const forms = `${webUrl}/<owner>/<name>/pull/<number> or ${publicUrl}/environments/<id>`;
  throw invalid(`query.url must be ${forms}`);
}

function pathBelow(text: string, base: string): string | null {
  const url = URL.canParse(text) ? new URL(text) : null;
  const at = new URL(base);
  const prefix = at.pathname.replace(/\/$/, "");
  if (!url || url.origin !== at.origin || !url.pathname.startsWith(`${prefix}/`)) return null;
  return url.pathname.slice(prefix.length);
}

function invalid(message: string): Refused {
  return new Refused("invalid_request", `${message}.`);
}
