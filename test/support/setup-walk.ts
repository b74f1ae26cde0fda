/** A browser without a screen, as far as the set-up needs one: pages, their forms, redirects and cookies. */

export interface Form {
  readonly action: URL;
  readonly fields: Readonly<Record<string, string>>;
}

/** The form of a page whose button is pressed; with several, the first that has a field of that name. Throws if there is none. */
export function formOf(html: string, base: string | URL, field?: string): Form {
  for (const [, attributes = "", body = ""] of html.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/g)) {
    const inputs = [...body.matchAll(/<input\b([^>]*)>/g)].map(([, input = ""]) => input);
    const named = inputs.map((input) => [attribute(input, "name"), attribute(input, "value")] as const);
    if (field !== undefined && !named.some(([name]) => name === field)) continue;
    return { action: new URL(attribute(attributes, "action"), base), fields: Object.fromEntries(named) };
  }
  throw new Error(`The page has no such form:\n${html}`);
}

function attribute(tag: string, name: string): string {
  const text = new RegExp(`\\b${name}="([^"]*)"`).exec(tag)?.[1] ?? "";
  return text.replace(/&(lt|gt|quot|amp);/g, (_, entity: string) => ENTITIES[entity] ?? "");
}

const ENTITIES: Readonly<Record<string, string>> = { lt: "<", gt: ">", quot: '"', amp: "&" };

/** Sends a form as a browser does; redirects are the caller's. */
export function submit(url: URL, fields: Readonly<Record<string, string>>): Promise<Response> {
  return fetch(url, { method: "POST", body: new URLSearchParams(fields), redirect: "manual" });
}

/** The cookie of an answer as the next request carries it; empty if none was set. */
function cookieOf(answer: Response): string {
  return (answer.headers.get("set-cookie") ?? "").split(";")[0] ?? "";
}

export const BROWSER = { accept: "text/html,application/xhtml+xml" };

/** The first half: opens the link and goes with its form to GitHub, up to the address that leads back to us. */
export async function walkToGitHub(link: string): Promise<{ back: URL; cookie: string; action: URL }> {
  const first = await fetch(link, { headers: BROWSER });
  const page = await first.text();
  if (first.status !== 200) throw new Error(`The link answered ${first.status}:\n${page}`);
  const ours = formOf(page, link, "manifest");
  const opened = await submit(ours.action, ours.fields);
  const form = formOf(await opened.text(), ours.action);
  const made = await submit(form.action, form.fields);
  const location = made.headers.get("location");
  if (!location) throw new Error(`GitHub answered ${made.status}:\n${await made.text()}`);
  return { back: new URL(location), cookie: cookieOf(first), action: ours.action };
}

/** The second half: back to us, as the same browser. */
export function walkBack(back: URL, cookie: string): Promise<Response> {
  return fetch(back, { headers: { ...BROWSER, cookie }, redirect: "manual" });
}

/** What comes next: the installation that the last page of the set-up links to. */
export async function install(page: string): Promise<Response> {
  const url = new URL(/href="([^"]+\/installations\/new)"/.exec(page)?.[1] ?? "");
  const form = formOf(await (await fetch(url)).text(), url);
  return submit(form.action, form.fields);
}
