import { readFileSync, writeFileSync } from "node:fs";
import { createConfig, lintFromString } from "@redocly/openapi-core";
import { describe, expect, it } from "vitest";
import { OPERATIONS } from "../../service/domain/authorize.ts";
import { buildApi } from "../support/api.ts";
import { documentOf, operationsOf } from "../support/api-document.ts";

const GOLDEN = new URL("../../docs/openapi.json", import.meta.url);

async function lint(document: unknown): Promise<readonly string[]> {
  const config = await createConfig({ extends: ["recommended"] });
  const source = JSON.stringify(document);
  const problems = await lintFromString({ source, absoluteRef: "/openapi.json", config });
  return problems.map(({ severity, ruleId, message }) => `${severity} ${ruleId}: ${message}`);
}

describe("the OpenAPI document", () => {
  it("is the one in docs", async () => {
    const document = await documentOf(buildApi().app);
    if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(GOLDEN, `${JSON.stringify(document, null, 2)}\n`);
    expect(document).toEqual(JSON.parse(readFileSync(GOLDEN, "utf8")));
  });

  it("passes the recommended rules of a public linter, without a warning", async () => {
    const document = await documentOf(buildApi().app);
    expect(await lint(document)).toEqual([]);
    // The linter does look.
    expect(await lint({ ...document, servers: [], tags: [] })).not.toEqual([]);
  });

  it("needs no credential, says that it may be kept for a while, and names this service", async () => {
    const answer = await buildApi({ publicUrl: "https://db.corp/x" }).app.inject("/v1/openapi.json");
    expect(answer.headers["cache-control"]).toBe("public, max-age=300");
    expect(answer.json()).toMatchObject({ openapi: "3.1.0", servers: [{ url: "https://db.corp/x" }] });
  });

  it("has an operation for everything that callers can be allowed to do", async () => {
    const operations = operationsOf(await documentOf(buildApi().app));
    // Two kinds of tokens are one address, keys are made by the command line, and five addresses ask for no right.
    const rights = OPERATIONS.filter((name) => !name.startsWith("key.") && !name.endsWith(".reader"));
    const free = operations.filter(({ isPublic }) => isPublic).map(({ operationId }) => operationId);
    expect(free.sort()).toEqual(["beginLogin", "createSession", "pollLogin"]);
    expect(operations.length - free.length).toBe(rights.length);
  });

  it("documents for every operation what goes wrong", async () => {
    const { paths } = await documentOf(buildApi().app);
    for (const [path, methods] of Object.entries(paths)) {
      for (const [method, { responses, security = [] }] of Object.entries(methods)) {
        const statuses = Object.keys(responses);
        const expected = ["400", "429", "503", ...(security.length > 0 ? ["401", "403"] : [])];
        expect(statuses, `${method} ${path}`).toEqual(expect.arrayContaining(expected));
      }
    }
  });
});
