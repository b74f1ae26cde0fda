import { describe, expect, it } from "vitest";
import { readConfig } from "../service/config.ts";
import { GOOD, problems, ROLE_ARN, readFile } from "./support/config-env.ts";

describe("the configuration", () => {
  it("reads how clusters are made, and makes them by themselves without a word", () => {
    const { clusters } = readConfig(GOOD, readFile);
    expect(clusters).toMatchObject({
      extraTags: {},
      kmsKeyArn: null,
      stacks: { for: "none", prefix: "offshoot-" },
    });
    const given = {
      OFFSHOOT_STACKS: "previews",
      OFFSHOOT_STACK_PREFIX: "db-",
      OFFSHOOT_STACK_ROLE_ARN: ROLE_ARN,
      OFFSHOOT_STACK_BOUNDARY_ARN: "arn:aws:iam::123456789012:policy/offshoot/boundary",
      OFFSHOOT_EXTRA_TAGS: "team=db",
      OFFSHOOT_KMS_KEY_ARN: "arn:aws:kms:eu-central-1:123456789012:key/0d6e1c1e-1111-2222-3333-444455556666",
      OFFSHOOT_CLOUDFORMATION_ENDPOINT: "http://127.0.0.1:4000",
    };
    expect(readConfig({ ...GOOD, ...given }, readFile).clusters).toEqual({
      stacks: {
        for: "previews",
        prefix: "db-",
        roleArn: ROLE_ARN,
        boundaryArn: given.OFFSHOOT_STACK_BOUNDARY_ARN,
        endpoint: given.OFFSHOOT_CLOUDFORMATION_ENDPOINT,
      },
      extraTags: { team: "db" },
      kmsKeyArn: given.OFFSHOOT_KMS_KEY_ARN,
    });
  });

  it.each([
    ["OFFSHOOT_STACKS", "some"],
    ["OFFSHOOT_STACK_PREFIX", "1st-"],
    ["OFFSHOOT_STACK_PREFIX", "a".repeat(26)],
    ["OFFSHOOT_STACK_ROLE_ARN", "role"],
    ["OFFSHOOT_STACK_BOUNDARY_ARN", ROLE_ARN],
    ["OFFSHOOT_EXTRA_TAGS", "offshoot:kind=tenant"],
    ["OFFSHOOT_KMS_KEY_ARN", "alias/db"],
    ["OFFSHOOT_CLOUDFORMATION_ENDPOINT", "127.0.0.1"],
  ])("names %s=%s", (name, value) => {
    expect(problems({ [name]: value })).toEqual([expect.stringContaining(`${name}: given`)]);
  });
});
