import { showClusters } from "./clusters.js";
import { element, find, notice, request } from "./dom.js";
import { prepareForms } from "./forms.js";
import { showPull } from "./pull.js";

/** How often the cluster list is read: the control plane of DSQL has no events. */
const CLUSTERS_EVERY_MS = 1000;

/** What the page shows now: `selected` is "acme/shop/pull/1" or "", `pull` what the local GitHub says of it. */
const view = { overview: { users: [], repositories: [] }, selected: "", pull: undefined };

let refreshing = false;
let again = false;

/** Reads everything anew. A call during a reading makes one more after it, however many calls there were. */
async function refresh() {
  again = true;
  if (refreshing) return;
  refreshing = true;
  try {
    while (again) {
      again = false;
      await read();
    }
  } catch (error) {
    notice(error.message);
  } finally {
    refreshing = false;
  }
}

async function read() {
  view.overview = await request("GET", "/_local/overview");
  find("open-pull").disabled = view.overview.repositories.length === 0;
  showUsers();
  showPulls();
  const selected = view.selected;
  const answer = selected ? await request("GET", localPath(selected)) : undefined;
  if (selected !== view.selected) return;
  view.pull = answer?.pull;
  showPull(answer, selected);
}

/** "acme/shop/pull/1" -> its address in the local API. */
function localPath(selected) {
  const [owner, name, , number] = selected.split("/");
  return `/_local/repositories/${owner}/${name}/pulls/${number}`;
}

function showUsers() {
  for (const select of document.querySelectorAll("select[data-users]")) {
    if (select.options.length === view.overview.users.length) continue;
    select.replaceChildren(
      ...view.overview.users.map(({ login, permission }) =>
        element("option", { value: login }, `${login} · ${permission}`),
      ),
    );
  }
}

function showPulls() {
  find("repositories").replaceChildren(
    ...view.overview.repositories.map(({ name, pulls }) =>
      element(
        "section",
        { className: "repository", ariaLabel: name },
        element("h3", {}, name),
        pulls.length === 0 ? element("p", { className: "empty" }, "No pull requests yet") : "",
        ...pulls.toReversed().map((pull) => pullEntry(name, pull)),
      ),
    ),
  );
}

function pullEntry(repository, { number, title, author, state, fork }) {
  const place = `${repository}/pull/${number}`;
  const entry = element(
    "a",
    { className: "pull", href: `#${place}` },
    element("b", {}, title),
    element("span", { className: `state ${state}` }, state),
    element("small", {}, ` #${number} by ${author}${fork ? ", from a fork" : ""}`),
  );
  if (place === view.selected) entry.setAttribute("aria-current", "page");
  return entry;
}

/** Shows the pull request that the address names: "#acme/shop/pull/1". */
function select() {
  const place = /^#([\w.-]+\/[\w.-]+\/pull\/\d+)$/.exec(location.hash);
  view.selected = place?.[1] ?? "";
  refresh();
}

/** Links to this GitHub stay on this page: it has one page for everything. */
function followLink(event) {
  const link = event.target.closest?.("a[href]");
  if (!link || link.origin !== location.origin || link.getAttribute("href").startsWith("#")) return;
  event.preventDefault();
  const place = /^\/([\w.-]+\/[\w.-]+\/pull\/\d+)/.exec(link.pathname);
  if (place) location.hash = place[1];
  else notice(`The local GitHub has no page for ${link.pathname}.`);
}

function listen() {
  const events = new EventSource("/_local/events");
  const connection = find("connection");
  events.onopen = () => {
    connection.textContent = "Live";
    connection.className = "live";
    refresh();
  };
  events.onerror = () => {
    connection.textContent = "Connecting…";
    connection.className = "";
  };
  events.onmessage = refresh;
}

async function watchClusters() {
  if (!document.hidden) await showClusters(view.selected);
  setTimeout(watchClusters, CLUSTERS_EVERY_MS);
}

prepareForms(view, localPath, refresh);
addEventListener("hashchange", select);
document.addEventListener("click", followLink);
select();
listen();
watchClusters();
