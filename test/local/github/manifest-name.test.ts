import { expect, it } from "vitest";
import { nameProblem, readManifest } from "../../../local/github/manifest.ts";

it.each([
  ["", "Name can't be blank"],
  [" ", "Name can't be blank"],
  ["x".repeat(35), "Name is too long (maximum is 34 characters)"],
  ["Mine\nand yours", "Name has characters that cannot be seen"],
  ["Mine\u202e", "Name has characters that cannot be seen"],
  ["x".repeat(34), null],
  ["My APp Näme", null],
])("of an App, %j: %j", (name, problem) => {
  expect(nameProblem(name)).toBe(problem);
});

it.each([
  { url: "http://" },
  { redirect_url: "http://[" },
  { callback_urls: ["http://mine.test", "https://:"] },
  { hook_attributes: { url: "http://mine.test:99999" } },
])("of an address, %j: the manifest is refused", (change) => {
  const manifest = JSON.stringify({ url: "http://mine.test", ...change });
  expect(() => readManifest(manifest)).toThrow("is no address");
});
