import { clock, element, find, request } from "./dom.js";

/** What a cluster is for, where its name does not say it: the values of the tag offshoot:kind. */
const kinds = { preview: "Spare for a pull request", store: "Offshoot's own store", tenant: "A customer's" };

/** Shows all clusters of the local DSQL, those of the pull request `selected` ("acme/shop/pull/1") marked. */
export async function showClusters(selected) {
  const empty = find("no-clusters");
  try {
    const clusters = await request("GET", "/_local/clusters");
    empty.textContent = "None yet. A pull request gets one.";
    show(clusters, selected);
  } catch (error) {
    empty.textContent = `Not known at the moment: ${error.message}`;
    show([], selected);
  }
}

function show(clusters, selected) {
  find("no-clusters").hidden = clusters.length > 0;
  find("cluster-count").textContent = clusters.length > 0 ? String(clusters.length) : "";
  const newestFirst = clusters.toSorted((one, other) => other.createdAt.localeCompare(one.createdAt));
  const key = JSON.stringify([newestFirst, selected]);
  const list = find("clusters");
  if (list.dataset.key === key) return;
  list.dataset.key = key;
  list.replaceChildren(...newestFirst.map((cluster) => card(cluster, selected)));
}

function card({ identifier, status, tags, createdAt, running, connections }, selected) {
  const name = tags.Name ?? kinds[tags["offshoot:kind"]] ?? "Not Offshoot's";
  const pull = /^(\S+) pull (\d+)$/.exec(name);
  const place = pull ? `${pull[1]}/pull/${pull[2]}` : undefined;
  const title = place ? element("a", { href: `#${place}` }, `${pull[1]} #${pull[2]}`) : name;
  const activity = status === "ACTIVE" || status === "IDLE" ? ` · ${sessions(running, connections)}` : "";
  return element(
    "li",
    { className: place && place === selected ? "cluster mine" : "cluster" },
    element(
      "div",
      { className: "cluster-head" },
      element("b", {}, title),
      element("span", { className: `status ${status}` }, status),
    ),
    element("span", { className: "code", title: identifier }, identifier),
    element("span", { className: "muted" }, `since ${clock(createdAt)}${activity}`),
  );
}

function sessions(running, connections) {
  if (!running) return "asleep";
  return connections === 1 ? "1 connection" : `${connections} connections`;
}
