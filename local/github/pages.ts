import type { FastifyReply, FastifyRequest } from "fastify";
import { queryOf } from "./access.ts";
import type { Site } from "./bodies-repository.ts";

/** GitHub's page sizes; larger ones are cut without a word. */
const PER_PAGE = 30;
const PER_PAGE_MAX = 100;

/** The page that was asked for, with the Link header that leads to the others. */
export function pageOf<Item>(
  site: Site,
  request: FastifyRequest,
  reply: FastifyReply,
  items: readonly Item[],
): readonly Item[] {
  const query = queryOf(request);
  const perPage = Math.min(wholeNumber(query["per_page"]) ?? PER_PAGE, PER_PAGE_MAX);
  const page = wholeNumber(query["page"]) ?? 1;
  const last = Math.max(Math.ceil(items.length / perPage), 1);
  const links = {
    ...(page > 1 ? { prev: Math.min(page - 1, last) } : {}),
    ...(page < last ? { next: page + 1, last } : {}),
    ...(page > 1 ? { first: 1 } : {}),
  };
  if (Object.keys(links).length > 0) reply.header("link", linkText(site, request, links));
  return items.slice((page - 1) * perPage, page * perPage);
}

/** Page size of lists with a cursor. */
export function perPageOf(request: FastifyRequest): number {
  return Math.min(wholeNumber(queryOf(request)["per_page"]) ?? PER_PAGE, PER_PAGE_MAX);
}

/** A Link header's text: relation -> value of one parameter of the same address. */
export function linkText(
  site: Site,
  request: FastifyRequest,
  links: Readonly<Record<string, number | string>>,
  parameter = "page",
): string {
  return Object.entries(links)
    .map(([relation, value]) => {
      const url = new URL(request.url, site.pageUrl);
      url.searchParams.set(parameter, String(value));
      return `<${url.href}>; rel="${relation}"`;
    })
    .join(", ");
}

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^[1-9]\d{0,8}$/.test(text) ? Number(text) : undefined;
}
