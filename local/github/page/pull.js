import { clock, element, find, notice } from "./dom.js";

const emoji = {
  "+1": "👍",
  "-1": "👎",
  laugh: "😄",
  confused: "😕",
  heart: "❤️",
  hooray: "🎉",
  rocket: "🚀",
  eyes: "👀",
};

const checkMarks = { success: "✅", failure: "❌", timed_out: "❌", neutral: "⚪" };

/** The comments on the page, so that one that did not change keeps its opened details: id -> { key, item }. */
let shown = new Map();
let shownPull = "";

/** Shows a pull request with its conversation, or that none is chosen. `place` is "acme/shop/pull/1". */
export function showPull(answer, place) {
  find("pull-head").hidden = answer === undefined;
  find("composer").hidden = answer === undefined;
  find("nothing").hidden = answer !== undefined;
  if (place !== shownPull) shown = new Map();
  const isAnotherPull = place !== shownPull;
  shownPull = place;
  showHead(answer?.pull);
  find("checks").replaceChildren(...(answer?.checks ?? []).map(checkLine));
  find("commits").replaceChildren(...(answer?.pull.commits ?? []).map(commitLine));
  showComments(answer?.comments ?? [], isAnotherPull);
}

function showHead(pull) {
  if (pull === undefined) return;
  const { number, title, author, state, branch } = pull;
  find("pull-title").textContent = `${title} #${number}`;
  find("pull-title").title = title;
  find("pull-facts").replaceChildren(
    element("span", { className: `state ${state}` }, state),
    ` ${author} wants to merge `,
    element("code", {}, branch),
    " into ",
    element("code", {}, "main"),
  );
  find("push-pull").hidden = state === "merged";
  find("close-pull").hidden = state !== "open";
  find("merge-pull").hidden = state !== "open";
  find("reopen-pull").hidden = state !== "closed";
}

function commitLine({ sha, message, files }) {
  return element(
    "li",
    {},
    element("code", { title: sha }, sha.slice(0, 7)),
    ` ${message} `,
    element("span", { className: "muted" }, files.join(", ")),
  );
}

/** A check run of the head in one line; its summary is what the pointer shows. */
function checkLine({ name, status, conclusion, title, summary }) {
  const state = conclusion ?? status;
  return element(
    "li",
    { title: summary ?? "" },
    `${checkMarks[state] ?? "🟡"} `,
    element("b", {}, name),
    ` ${title ?? ""} `,
    element("span", { className: "muted" }, state.replace("_", " ")),
  );
}

function showComments(comments, isAnotherPull) {
  const next = new Map(
    comments.map((comment) => {
      const key = JSON.stringify(comment);
      const before = shown.get(comment.id);
      if (before?.key === key) return [comment.id, before];
      return [comment.id, { key, item: commentItem(comment, openDetails(before?.item)) }];
    }),
  );
  const hasMore = next.size > shown.size;
  shown = next;
  const items = [...next.values()].map(({ item }) => item);
  const list = find("comments");
  // Moving an element that is already in its place would close a text selection in it.
  if (list.children.length !== items.length || items.some((item, index) => list.children[index] !== item)) {
    list.replaceChildren(...items);
  }
  if (isAnotherPull) find("scroll").scrollTop = 0;
  else if (hasMore) items.at(-1)?.scrollIntoView({ block: "nearest" });
}

/** Which details of a comment are open, by their order. */
function openDetails(item) {
  return [...(item?.querySelectorAll("details") ?? [])].map((details) => details.open);
}

function commentItem({ author, isApp, html, createdAt, updatedAt, reactions }, open) {
  const text = element("div", { className: "markdown" });
  // The server's renderer has sanitized it as GitHub does; the page's own policy forbids scripts besides.
  text.innerHTML = html;
  for (const [index, details] of text.querySelectorAll("details").entries())
    details.open ||= open[index] ?? false;
  for (const block of text.querySelectorAll("pre")) addCopyButton(block);
  for (const box of text.querySelectorAll("input")) box.disabled = true;
  return element(
    "li",
    { className: isApp ? "comment app" : "comment", ariaLabel: `Comment of ${author}` },
    element(
      "div",
      { className: "comment-head" },
      element("b", {}, author),
      isApp ? element("span", { className: "label" }, "bot") : "",
      ` commented at ${clock(createdAt)}`,
      updatedAt === createdAt ? "" : ` · edited at ${clock(updatedAt)}`,
    ),
    text,
    reactionBar(reactions),
  );
}

function reactionBar(reactions) {
  const given = Object.entries(reactions ?? {}).filter(([, logins]) => logins.length > 0);
  if (given.length === 0) return "";
  return element(
    "div",
    { className: "reactions", ariaLabel: "Reactions", role: "group" },
    ...given.map(([content, logins]) =>
      element(
        "span",
        { title: logins.join(", "), ariaLabel: `${content} by ${logins.join(", ")}`, role: "img" },
        `${emoji[content] ?? content} ${logins.length}`,
      ),
    ),
  );
}

function addCopyButton(block) {
  const button = element("button", { type: "button", className: "copy" }, "Copy");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(block.textContent.trimEnd());
      button.textContent = "Copied";
    } catch {
      notice("The browser did not allow copying: mark the text and copy it by hand.");
    }
  });
  const frame = element("div", { className: "block" });
  block.replaceWith(frame);
  frame.append(block, button);
}
