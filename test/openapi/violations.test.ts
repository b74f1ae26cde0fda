import { describe, expect, it } from "vitest";
import type { Description } from "./description.ts";
import { type Call, createChecker } from "./violations.ts";

const content = (schema: object) => ({ content: { "application/json": { schema } } });
const name = { name: "name", in: "path", required: true, schema: { type: "string" } };
const page = { name: "page", in: "query", schema: { type: "integer" } };
const description: Description = {
  components: {
    schemas: {
      thing: {
        type: "object",
        properties: { note: { type: "string", nullable: true } },
        required: ["note"],
      },
    },
    parameters: { page },
  },
  paths: {
    "/things/{name}": {
      get: {
        parameters: [name, { $ref: "#/components/parameters/page" }],
        responses: { 200: content({ $ref: "#/components/schemas/thing" }), 204: { description: "none" } },
      },
      post: {
        parameters: [name],
        requestBody: {
          required: true,
          ...content({ type: "object", properties: { body: { type: "string" } }, required: ["body"] }),
        },
        responses: { 201: content({ type: "object" }), 422: content({}) },
      },
    },
    "/things/fixed": { get: { responses: { 204: {} } } },
    "/repos/{owner}/{repo}/issues/{number}/comments": {
      post: {
        requestBody: content({ type: "object", properties: { body: {} } }),
        responses: { 201: content({}) },
      },
    },
  },
};
const check = createChecker(description);
const get: Call = {
  method: "GET",
  path: "/things/a",
  query: {},
  body: null,
  status: 200,
  answer: { note: null },
};
const post: Call = { ...get, method: "POST", status: 201, body: { body: "x" }, answer: {} };

describe("the check against the OpenAPI description", () => {
  it.each([
    ["a described answer", get],
    ["null where it is nullable", { ...get, answer: { note: null } }],
    ["a number in the query", { ...get, query: { page: "2" } }],
    ["a described body", post],
    [
      "an operation without parameters over one with them",
      { ...get, path: "/things/fixed", status: 204, answer: null },
    ],
    ["a body that was refused as wrong", { ...post, body: {}, status: 422, answer: {} }],
  ])("lets pass: %s", (_what, call) => {
    expect(check(call)).toEqual([]);
  });

  it.each([
    ["an unknown operation", { ...get, path: "/nothing" }, /no such operation/],
    ["an unknown query", { ...get, query: { colour: "red" } }, /query has colour/],
    ["a query of a wrong type", { ...get, query: { page: "two" } }, /query\/page must be integer/],
    ["a missing body", { ...post, body: null }, /body is missing/],
    ["a body without what it needs", { ...post, body: {} }, /required property 'body'/],
    ["a body with more than is known", { ...post, body: { body: "x", more: 1 } }, /body has more/],
    ["an unknown status", { ...get, status: 299 }, /status 299/],
    ["an answer that lacks a field", { ...get, answer: {} }, /required property 'note'/],
    ["an answer where none is described", { ...get, status: 204 }, /none is described/],
    [
      "a comment that is too long",
      { ...post, path: "/repos/a/b/issues/1/comments", body: { body: "x".repeat(65_537) } },
      /65537 characters/,
    ],
  ])("finds: %s", (_what, call, violation) => {
    expect(check(call)).toEqual(expect.arrayContaining([expect.stringMatching(violation)]));
  });
});
