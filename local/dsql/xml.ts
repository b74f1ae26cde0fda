/** An XML document to be: names to texts, elements, or lists, whose items AWS' Query protocol calls `member`. */
export interface Tree {
  [name: string]: string | Tree | readonly (string | Tree)[];
}

/** An answer of AWS' Query protocol. */
export function xml(root: string, namespace: string, tree: Tree): string {
  return `<${root} xmlns="${namespace}">${content(tree)}</${root}>`;
}

function content(value: Tree[string]): string {
  if (typeof value === "string") return escaped(value);
  if (isList(value)) return value.map((item) => `<member>${content(item)}</member>`).join("");
  return Object.entries(value)
    .map(([name, part]) => `<${name}>${content(part)}</${name}>`)
    .join("");
}

function isList(value: Tree | readonly (string | Tree)[]): value is readonly (string | Tree)[] {
  return Array.isArray(value);
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
