import { expect, it } from "vitest";
import { troubledText } from "../../service/domain/troubled.ts";
import { clusterOf } from "./builders.ts";

it("says nothing while all get on, or wait for what comes by itself", () => {
  const rows = [clusterOf({}), clusterOf({ reason: "quota" }), clusterOf({ reason: "removed_outside" })];
  expect(troubledText(rows)).toBeNull();
  expect(troubledText([clusterOf({ status: "gone", reason: "remove_blocked" })])).toBeNull();
});

it("names the cluster and its stack, with what AWS says of what blocks it", () => {
  const blocked = {
    id: "cl_9",
    stack: "offshoot-cl-9",
    status: "removing",
    reason: "remove_blocked",
  } as const;
  const text = troubledText([clusterOf({}), clusterOf({ ...blocked, trouble: "ReaderRole: in use" })]);
  expect(text).toBe(
    "1 of 2 do not get on. cl_9 of env_1, stack offshoot-cl-9: remove_blocked; AWS says: ReaderRole: in use",
  );
});

it("shows the first of many, and counts the others", () => {
  const rows = Array.from({ length: 9 }, (_, n) => clusterOf({ id: `cl_${n}`, reason: "protected" }));
  expect(troubledText(rows)).toMatch(
    /^9 of 9 do not get on\. cl_0 .*cl_4 of env_1: protected \| and 4 more$/,
  );
});
