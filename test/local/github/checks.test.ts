import type { Octokit } from "@octokit/core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type LocalGitHub, startLocalGitHub } from "../../support/local-github.ts";
import { asInstallation, openPull, PULLS, SHOP } from "./clients.ts";

let local: LocalGitHub;
let octokit: Octokit;
let pull: { number: number; headSha: string };
beforeAll(async () => {
  local = await startLocalGitHub();
  octokit = await asInstallation(local);
  pull = await openPull(local);
});
afterAll(() => local?.stop());

const CREATE = "POST /repos/{owner}/{repo}/check-runs";
const UPDATE = "PATCH /repos/{owner}/{repo}/check-runs/{check_run_id}";
const output = { title: "A title", summary: "*Fine.*" };
const annotation = {
  ...{ path: "migrations/1.sql", start_line: 3, end_line: 3 },
  ...{ annotation_level: "failure" as const, message: "No." },
};
const create = (more: object = {}) =>
  octokit.request(CREATE, { ...SHOP, name: "offshoot", head_sha: pull.headSha, output, ...more });
const listed = async (query: object) => {
  const path = { ...SHOP, ref: pull.headSha, ...query };
  const { data } = await octokit.request("GET /repos/{owner}/{repo}/commits/{ref}/check-runs", path);
  return data.check_runs.map(({ id }) => id);
};

it("makes check runs, changes and lists them, and shows the newest of each name to people", async () => {
  const first = (await create({ external_id: "one" })).data;
  expect(first).toMatchObject({
    status: "queued",
    conclusion: null,
    completed_at: null,
    external_id: "one",
    output,
  });
  const second = (await create({ conclusion: "success", details_url: "https://x.test/" })).data;
  expect(second).toMatchObject({
    status: "completed",
    conclusion: "success",
    details_url: "https://x.test/",
  });
  expect(await listed({ check_name: "offshoot" })).toEqual([second.id]);
  expect(await listed({ filter: "all", app_id: local.ready.appId })).toEqual([second.id, first.id]);
  expect(await listed({ app_id: 1 })).toEqual([]);
  const shown = await local.call<{ checks: object[] }>("GET", `${PULLS}/${pull.number}`);
  expect(shown.checks).toMatchObject([{ id: second.id, conclusion: "success", title: "A title" }]);
});

it("adds annotations to those that are there, and opens a check run again", async () => {
  const { id } = (await create({ conclusion: "failure", output: { ...output, annotations: [annotation] } }))
    .data;
  const path = { ...SHOP, check_run_id: Number(id) };
  const more = { summary: "Twice.", annotations: [annotation] };
  const { data } = await octokit.request(UPDATE, { ...path, status: "in_progress", output: more });
  expect(data).toMatchObject({ status: "in_progress", conclusion: null, completed_at: null });
  expect(data.output).toMatchObject({ title: "A title", summary: "Twice.", annotations_count: 2 });
});

it.each([
  ["without a name", { name: undefined }],
  ["of a commit that there is not", { head_sha: "0".repeat(40) }],
  ["completed without a conclusion", { status: "completed" }],
  ["without a title", { output: { summary: "x" } }],
  ["with a summary that is too long", { output: { title: "x", summary: "x".repeat(65_536) } }],
  ["with 51 annotations", { output: { ...output, annotations: Array(51).fill(annotation) } }],
  ["with a member that is not known", { colour: "red" }],
])("refuses a check run %s", async (_what, more) => {
  await expect(create(more)).rejects.toMatchObject({ status: 422 });
});

it("takes them only with a token that may write them", async () => {
  const reader = await asInstallation(local, { permissions: { checks: "read" } });
  const wanted = { ...SHOP, name: "offshoot", head_sha: pull.headSha };
  await expect(reader.request(CREATE, wanted)).rejects.toMatchObject({ status: 403 });
  const unknown = { ...SHOP, check_run_id: 1 };
  await expect(octokit.request(UPDATE, unknown)).rejects.toMatchObject({ status: 404 });
});
