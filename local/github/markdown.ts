import rehypeRaw from "rehype-raw";
import rehypeSanitize from "rehype-sanitize";
import rehypeStringify from "rehype-stringify";
import remarkGfm from "remark-gfm";
import remarkParse from "remark-parse";
import remarkRehype from "remark-rehype";
import { unified } from "unified";

/** What the links of a text are relative to: `repository` is "owner/name", `pageUrl` has no slash at its end. */
export interface MarkdownPlace {
  repository: string;
  pageUrl: string;
}

/** The part that syntax trees of Markdown (mdast) and of HTML (hast) have in common. */
interface TreeNode {
  type: string;
  value?: string;
  tagName?: string;
  properties?: Record<string, unknown>;
  children?: TreeNode[];
}

/** GitHub leaves the text of these alone: what is quoted as code mentions nobody. */
const untouched = new Set(["a", "code", "pre", "tt", "kbd", "style", "script"]);

/**
 * One mention or reference: `@login`, `#12` or `owner/name#12`, not inside a word, an address or a path.
 * Logins have at most 39 characters, letters, digits and single hyphens (docs.github.com, username rules).
 */
const reference =
  /(?<![\w@/.`#&-])(?:@(?<login>[a-z\d](?:-?[a-z\d]){0,38})|(?<other>[\w.-]+\/[\w.-]+)?#(?<number>[1-9]\d{0,8}))(?![\w/-])/gi;

/**
 * Markdown of a comment, as the HTML that GitHub would show: GitHub's dialect (tables, strikethrough, task lists, bare
 * links), each line end a break, HTML allowed where GitHub allows it and removed elsewhere, mentions and references
 * as links. The sanitizer's list is GitHub's own (rehype-sanitize's default schema). Pure: never throws for any text.
 */
export async function renderMarkdown(text: string, place: MarkdownPlace): Promise<string> {
  const file = await unified()
    .use(remarkParse)
    .use(remarkGfm)
    .use(() => (tree) => replaceTexts(tree, breakLines))
    .use(remarkRehype, { allowDangerousHtml: true })
    .use(rehypeRaw)
    .use(rehypeSanitize)
    .use(() => (tree) => replaceTexts(tree, (value) => linkReferences(value, place)))
    .use(rehypeStringify)
    .process(text);
  return String(file);
}

/** Puts what `replace` makes of each text in its place, except inside links and code. */
function replaceTexts(node: TreeNode, replace: (value: string) => TreeNode[]): void {
  if (node.children === undefined || untouched.has(node.tagName ?? "")) return;
  node.children = node.children.flatMap((child) => {
    if (child.type === "text") return replace(child.value ?? "");
    replaceTexts(child, replace);
    return [child];
  });
}

/** In comments, unlike in files, GitHub shows every line end as a break. */
function breakLines(value: string): TreeNode[] {
  return value
    .split(/\r?\n/)
    .flatMap((line, index) =>
      index === 0 ? [{ type: "text", value: line }] : [{ type: "break" }, { type: "text", value: line }],
    );
}

function linkReferences(value: string, place: MarkdownPlace): TreeNode[] {
  const nodes: TreeNode[] = [];
  let end = 0;
  for (const match of value.matchAll(reference)) {
    nodes.push({ type: "text", value: value.slice(end, match.index) }, link(match, place));
    end = match.index + match[0].length;
  }
  nodes.push({ type: "text", value: value.slice(end) });
  return nodes;
}

function link(match: RegExpMatchArray, { repository, pageUrl }: MarkdownPlace): TreeNode {
  const { login, other, number } = match.groups ?? {};
  const [className, path] = login
    ? ["user-mention", login]
    : ["issue-link", `${other ?? repository}/pull/${number}`];
  return {
    type: "element",
    tagName: "a",
    properties: { className: [className], href: `${pageUrl}/${path}` },
    children: [{ type: "text", value: match[0] }],
  };
}
