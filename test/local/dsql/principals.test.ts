import { afterEach, beforeEach, expect, it } from "vitest";
import { openPrincipals } from "../../../local/dsql/principals.ts";
import { roleArn, temporaryDirectory } from "./clients.ts";

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;

beforeEach(async () => {
  directory = await temporaryDirectory();
});

afterEach(() => directory.remove());

const SESSION = { roleArn: roleArn("worker"), roleName: "worker", sessionName: "one", durationSeconds: 900 };
const NOON = new Date("2026-11-25T12:00:00Z");

it("a session is known until it expires, and told so afterwards", () => {
  const principals = openPrincipals(directory.path, "000000000000");
  const issued = principals.issue(SESSION, NOON);
  const find = (seconds: number) =>
    principals.find(issued.accessKeyId, issued.session?.token, new Date(NOON.getTime() + seconds * 1000));
  expect(find(899)).toEqual(issued);
  expect(find(900)).toEqual({
    kind: "expired",
    refused: "The security token included in the request is expired",
  });
});

it("a session of another directory is not known", async () => {
  const elsewhere = await temporaryDirectory();
  const issued = openPrincipals(elsewhere.path, "000000000000").issue(SESSION, NOON);
  await elsewhere.remove();
  const found = openPrincipals(directory.path, "000000000000").find(
    issued.accessKeyId,
    issued.session?.token,
    NOON,
  );
  expect(found).toMatchObject({ kind: "unknown" });
});
