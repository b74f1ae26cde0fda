import { describe, expect, it } from "vitest";
import { readStoreConfig } from "../service/config.ts";
import { GOOD, problems, ROLE_ARN, readFile } from "./support/config-env.ts";

const DSQL = { OFFSHOOT_STORE_URL: `dsql://${"a".repeat(26)}.dsql.eu-central-1.on.aws` };

describe("the store's role", () => {
  it("is admin, or the one that is named, with the IAM roles that it is mapped to", () => {
    const given = {
      OFFSHOOT_STORE_ROLE: "offshoot_service",
      OFFSHOOT_STORE_IAM_ROLES: ` ${ROLE_ARN}, ${ROLE_ARN}`,
    };
    const read = (change: object) => readStoreConfig({ ...GOOD, ...DSQL, ...change }, readFile).store;
    expect(read({})).toMatchObject({ role: "admin", iamRoles: [] });
    expect(read(given)).toMatchObject({ role: "offshoot_service", iamRoles: [ROLE_ARN] });
  });

  it.each([
    [
      "none of the system's",
      { ...DSQL, OFFSHOOT_STORE_ROLE: "postgres" },
      /^OFFSHOOT_STORE_ROLE: given "postgres"/,
    ],
    [
      "one that needs no quotes",
      { ...DSQL, OFFSHOOT_STORE_ROLE: "Service" },
      /^OFFSHOOT_STORE_ROLE: given "Service"/,
    ],
    [
      "for a store on DSQL only",
      { OFFSHOOT_STORE_ROLE: "offshoot_service" },
      /^OFFSHOOT_STORE_ROLE: .*the user stands in/,
    ],
    [
      "named with its IAM roles",
      { ...DSQL, OFFSHOOT_STORE_IAM_ROLES: ROLE_ARN },
      /^OFFSHOOT_STORE_ROLE: given nothing/,
    ],
    [
      "mapped to IAM roles alone",
      { ...DSQL, OFFSHOOT_STORE_ROLE: "offshoot_service", OFFSHOOT_STORE_IAM_ROLES: `${ROLE_ARN},me` },
      /^OFFSHOOT_STORE_IAM_ROLES: /,
    ],
  ])("is %s", (_what, change, problem) => {
    expect(problems(change)).toEqual([expect.stringMatching(problem)]);
  });
});
