import type { Nodes } from "hast";
import rehypeRaw from "rehype-raw";
import remarkGfm from "remark-gfm";
import remarkParse from "remark-parse";
import remarkRehype from "remark-rehype";
import { unified } from "unified";

const markdown = unified().use(remarkParse).use(remarkGfm);
const html = unified().use(remarkRehype, { allowDangerousHtml: true }).use(rehypeRaw);

/** The Markdown tree of a comment, as GitHub's dialect has it. */
export function markdownTree(body: string) {
  return markdown.parse(body);
}

/** What a comment becomes in a browser: everything that is code apart from everything else. */
export interface Shown {
  /** The tree as text with the inside of each code element left out: what can be active. */
  readonly skeleton: string;
  readonly codes: readonly string[];
}

export function shown(body: string): Shown {
  const codes: string[] = [];
  const skeleton = outline(html.runSync(markdown.parse(body)) as Nodes, codes);
  return { skeleton, codes };
}

function outline(node: Nodes, codes: string[]): string {
  switch (node.type) {
    case "text":
      return node.value;
    case "comment":
      return `<!--${node.value.replace(/d=[0-9a-f]{16} /, "")}-->`;
    case "root":
      return node.children.map((child) => outline(child, codes)).join("");
    case "element": {
      const opening = `<${node.tagName} ${JSON.stringify(node.properties)}>`;
      if (node.tagName !== "code") {
        return `${opening}${node.children.map((child) => outline(child, codes)).join("")}</${node.tagName}>`;
      }
      codes.push(
        node.children.map((child) => (child.type === "text" ? child.value : `<${child.type}>`)).join(""),
      );
      return `${opening}</code>`;
    }
    default:
      return `<${node.type}>`;
  }
}
