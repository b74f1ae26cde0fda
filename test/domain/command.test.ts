import fc from "fast-check";
import type { Nodes } from "mdast";
import { describe, expect, test } from "vitest";
import { COMMAND_BODY_CHARACTERS, COMMAND_VERBS, parseCommand } from "../../service/domain/command.ts";
import { hostileText } from "./hostile-text.ts";
import { markdownTree } from "./markdown-tree.ts";

const NONE = { kind: "none" };

describe("a command is read", () => {
  test.each(COMMAND_VERBS)("for %s on a line of its own", (verb) => {
    expect(parseCommand(`/db ${verb}`)).toEqual({ kind: "command", verb });
  });

  test.each([
    ["in any case", "/DB Create"],
    ["with trailing spaces", "/db create \t"],
    ["with more space before the verb", "/db  \t create"],
    ["within backticks", "`/db create`"],
    ["below other text", "Please:\n/db create\nThanks!"],
    ["with Windows line ends", "Please:\r\n/db create\r\nThanks!"],
    ["after a quote and a blank line", "> /db destroy\n\n/db create"],
    ["after a fence that was closed", "```\n/db destroy\n```\n/db create"],
    ["after a fence in a list", "- ```\n  /db destroy\n  ```\n\n/db create"],
    ["after an HTML comment", "<!-- /db destroy\n-->\n/db create"],
    ["after a comment within a line", "we use <!-- this --> here\n/db create"],
    ["after an HTML block and a blank line", "<details>\n\n/db create\n</details>"],
    ["after inline code with three backticks", "```/db destroy``` is not it\n/db create"],
  ])("%s", (_, body) => {
    expect(parseCommand(body)).toEqual({ kind: "command", verb: "create" });
  });

  test("from the first of several lines only", () => {
    expect(parseCommand("/db status\n/db destroy")).toEqual({ kind: "command", verb: "status" });
  });

  test("as help if there is no verb", () => {
    expect(parseCommand("/db")).toEqual({ kind: "command", verb: "help" });
    expect(parseCommand("`/db`  ")).toEqual({ kind: "command", verb: "help" });
  });
});

describe("a slip is told", () => {
  test("with the word that is no verb, cut at 40 characters", () => {
    expect(parseCommand("/db reset")).toEqual({ kind: "unknown", text: { outside: "reset" } });
    expect(parseCommand(`/db ${"x".repeat(99)}`)).toEqual({
      kind: "unknown",
      text: { outside: "x".repeat(40) },
    });
  });

  test("if anything follows the verb", () => {
    expect(parseCommand("/db destroy now")).toEqual({ kind: "bad_arguments", verb: "destroy" });
  });
});

describe("nothing is read from", () => {
  test.each([
    ["an empty comment", ""],
    ["plain text", "looks good to me"],
    ["a foreign command", "/lgtm"],
    ["a foreign command that begins like ours", "/dbt run"],
    ["a path", "/db/create"],
    ["the middle of a line", "please /db create"],
    ["an indented line", "    /db create"],
    ["a line that starts with a space", " /db create"],
    ["a quote", "> /db create"],
    ["the line right after a quote, which GitHub shows as quoted", "> why?\n/db create"],
    ["a fence", "```sh\n/db create\n```"],
    ["a fence of tildes with a shorter one inside", "~~~~\n~~~\n/db create\n~~~~"],
    ["a fence that is never closed", "```\n/db create"],
    ["a fence that only seems closed", "```\n    ```\n/db create\n```"],
    ["a fence after a quote", "> why?\n```\n\n/db create\n```"],
    ["a fence whose list item ended early", "- ```\ntext\n```\n/db create\n```"],
    ["an HTML comment", "<!--\n/db create\n-->"],
    ["an HTML comment that is never closed", "<!--\n/db create"],
    ["an HTML comment within a line", "text <!-- hidden\n/db create\n-->"],
    ["what follows a comment that is opened within a line", "a <!--\n```\n-->\n/db create"],
    ["preformatted HTML", "<pre>\n/db create\n</pre>"],
    ["a comment that is longer than GitHub allows", `/db create\n${" ".repeat(COMMAND_BODY_CHARACTERS)}`],
  ])("%s", (_, body) => {
    expect(parseCommand(body)).toEqual(NONE);
  });
});

test("any text is read without throwing", () => {
  fc.assert(
    fc.property(fc.oneof(hostileText, fc.string({ unit: "binary" })), (body) => void parseCommand(body)),
  );
});

test("no text becomes a command by being quoted or fenced", () => {
  fc.assert(
    fc.property(hostileText, fc.constantFrom(...COMMAND_VERBS), (text, verb) => {
      const lines = `${text}\n/db ${verb}`.split(/\r\n|\r|\n/);
      expect(parseCommand(lines.map((line) => `> ${line}`).join("\n"))).toEqual(NONE);
      const fence = "`".repeat(100);
      expect(parseCommand([fence, ...lines, fence].join("\n"))).toEqual(NONE);
    }),
  );
});

test("what is read is text, not code or a quote, by a parser of GitHub's dialect too", () => {
  const pieces = [
    "```",
    "````",
    "~~~",
    "> ",
    "- ",
    "1. ",
    "  ",
    "    ",
    "<!--",
    "-->",
    "<pre>",
    "</pre>",
    "a",
    "`",
  ];
  const verbs = COMMAND_VERBS.map((verb) => `/db ${verb}`);
  const piece = fc.constantFrom(...pieces, ...verbs, ...verbs);
  const lines = fc.array(
    fc.array(piece, { maxLength: 2 }).map((parts) => parts.join("")),
    { maxLength: 12 },
  );
  fc.assert(
    fc.property(lines, (parts) => {
      const body = parts.join("\n");
      const parsed = parseCommand(body);
      if (parsed.kind === "command") expect(visibleText(markdownTree(body))).toContain(`/db ${parsed.verb}`);
    }),
    { numRuns: 1_500 },
  );
});

const UNSEEN_HTML = /<!--[\s\S]*?(?:-->|$)|<pre[\s\S]*?(?:<\/pre>|$)/gi;

/** Words and inline code, but nothing that is quoted, fenced, preformatted or a comment. */
function visibleText(node: Nodes): string {
  if (node.type === "text" || node.type === "inlineCode") return node.value;
  if (node.type === "html") return node.value.replace(UNSEEN_HTML, "");
  if (node.type === "blockquote" || !("children" in node)) return "";
  return node.children.map(visibleText).join("\n");
}
