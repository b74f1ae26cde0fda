import { StackStatus } from "@aws-sdk/client-cloudformation";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Observation } from "../../service/domain/cluster.ts";
import {
  hasFailed,
  needsCluster,
  observationOfStack,
  stackName,
  stackToken,
} from "../../service/domain/stack.ts";
import { stackBody, templateVersion } from "../../service/domain/stack-template.ts";
import { ago, NOW, SEEN } from "./builders.ts";

const FAILURE = { cause: "Cluster (AWS::DSQL::Cluster): no", at: ago(1_000), quota: false, tries: 2 };
const seen = (status: string, change: object = {}) => ({
  ...({ kind: "stack", id: "arn", status, identifier: SEEN.identifier, roles: null } as const),
  ...{ terminationProtected: false, outdated: false, failure: hasFailed(status) ? FAILURE : null },
  ...change,
});
const USABLE: Observation = { kind: "usable", ...SEEN };

describe("what a stack's status means for its cluster", () => {
  // With the cluster beneath usable, gone, and of no known id.
  const rows: readonly [keyof typeof StackStatus, string, string, string][] = [
    ["CREATE_IN_PROGRESS", "creating", "forming", "forming"],
    ["CREATE_COMPLETE", "usable", "hollow", "unknown"],
    ["CREATE_FAILED", "broken", "broken", "broken"],
    ["ROLLBACK_IN_PROGRESS", "broken", "broken", "broken"],
    ["ROLLBACK_COMPLETE", "broken", "broken", "broken"],
    ["ROLLBACK_FAILED", "broken", "broken", "broken"],
    ["REVIEW_IN_PROGRESS", "broken", "broken", "broken"],
    ["UPDATE_IN_PROGRESS", "usable", "hollow", "unknown"],
    ["UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "usable", "hollow", "unknown"],
    ["UPDATE_COMPLETE", "usable", "hollow", "unknown"],
    ["UPDATE_FAILED", "usable", "hollow", "unknown"],
    ["UPDATE_ROLLBACK_IN_PROGRESS", "usable", "hollow", "unknown"],
    ["UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", "usable", "hollow", "unknown"],
    ["UPDATE_ROLLBACK_COMPLETE", "usable", "hollow", "unknown"],
    ["UPDATE_ROLLBACK_FAILED", "usable", "hollow", "unknown"],
    ["IMPORT_IN_PROGRESS", "usable", "hollow", "unknown"],
    ["IMPORT_COMPLETE", "usable", "hollow", "unknown"],
    ["IMPORT_ROLLBACK_IN_PROGRESS", "usable", "hollow", "unknown"],
    ["IMPORT_ROLLBACK_COMPLETE", "usable", "hollow", "unknown"],
    ["IMPORT_ROLLBACK_FAILED", "usable", "hollow", "unknown"],
    ["DELETE_IN_PROGRESS", "leaving", "leaving", "leaving"],
    ["DELETE_FAILED", "blocked", "blocked", "blocked"],
    ["DELETE_COMPLETE", "absent", "absent", "absent"],
  ];

  it.each(rows)(
    "%s: %s with its cluster, %s without, %s if no id is known",
    (status, usable, gone, unknown) => {
      const kinds = [USABLE, { kind: "absent" } as const, null].map(
        (beneath) => observationOfStack(seen(status), beneath).kind,
      );
      expect(kinds).toEqual([usable, gone, unknown]);
    },
  );

  it("has a row for every status of the SDK's model", () => {
    expect(rows.map(([status]) => status).sort()).toEqual(Object.keys(StackStatus).sort());
  });

  it("is unknown, never absent, for a status that nobody knows yet", () => {
    fc.assert(
      fc.property(fc.string(), (status) => {
        if (Object.hasOwn(StackStatus, status)) return;
        expect(observationOfStack(seen(status), { kind: "absent" }).kind).toBe("unknown");
      }),
    );
  });

  it("is unknown while it must be known how the cluster is, and nobody could say", () => {
    const away = { kind: "unknown", cause: "throttled", retryAfterMs: 9 } as const;
    for (const [status] of rows) {
      const { kind } = observationOfStack(seen(status), away);
      if (needsCluster(seen(status)) && status !== "CREATE_IN_PROGRESS") expect(kind).toBe("unknown");
    }
  });

  it("tells the quota, and whether CloudFormation is still taking back what it had made", () => {
    const failure = { ...FAILURE, quota: true };
    expect(observationOfStack(seen("ROLLBACK_IN_PROGRESS", { failure }), null)).toEqual({
      ...{ kind: "broken", quota: true, rolling: true, cause: FAILURE.cause },
    });
    expect(observationOfStack(seen("ROLLBACK_COMPLETE"), null)).toMatchObject({
      quota: false,
      rolling: false,
    });
  });

  it("tells what a change that failed came to, and whether a person must help", () => {
    const stackAt = (status: string) => {
      const observed = observationOfStack(seen(status), USABLE);
      return observed.kind === "usable" ? observed.inStack : null;
    };
    expect(stackAt("UPDATE_COMPLETE")).toMatchObject({ failure: null, changing: false });
    expect(stackAt("UPDATE_IN_PROGRESS")).toMatchObject({ failure: null, changing: true });
    expect(stackAt("UPDATE_ROLLBACK_COMPLETE")?.failure).toEqual({
      cause: FAILURE.cause,
      at: FAILURE.at,
      stuck: false,
    });
    expect(stackAt("UPDATE_ROLLBACK_FAILED")?.failure).toMatchObject({ stuck: true });
  });

  it("tells what blocks a deletion, and what is left", () => {
    expect(observationOfStack(seen("DELETE_FAILED"), USABLE)).toEqual({
      ...{ kind: "blocked", cause: FAILURE.cause, at: FAILURE.at, tries: 2, cluster: SEEN },
    });
    expect(observationOfStack(seen("DELETE_FAILED"), { kind: "absent" })).toMatchObject({ cluster: null });
  });
});

describe("the name and the token of a stack", () => {
  it("fit CloudFormation, and are another's for another cluster and another attempt", () => {
    expect(stackName("offshoot-", "cl_01kavq3w8nf0")).toBe("offshoot-cl-01kavq3w8nf0");
    expect(stackToken("tok_1", NOW)).toMatch(/^[a-zA-Z0-9][-a-zA-Z0-9]{0,127}$/);
    expect(stackToken("tok_1", NOW)).not.toBe(stackToken("tok_1", ago(1)));
  });
});

describe("the built-in template", () => {
  const PLAIN = { boundaryArn: null, kmsKeyArn: null, extraTags: {} };
  const tags = { "offshoot:cluster": "cl_1", "offshoot:kind": "preview", Name: "acme/shop pull 42" };
  const body = (policy: Parameters<typeof stackBody>[1]) => {
    const { templateBody, ...rest } = stackBody({ tags, deletionProtected: true }, policy);
    return { ...rest, resources: JSON.parse(templateBody).Resources, size: templateBody.length };
  };

  it("lets each role do one thing on the one cluster, and whoever in the account is allowed to assume it", () => {
    const { resources } = body(PLAIN);
    const statementOf = (role: string) => resources[role].Properties.Policies[0].PolicyDocument.Statement;
    const Resource = { "Fn::GetAtt": ["Cluster", "ResourceArn"] };
    expect(statementOf("ConnectRole")).toEqual([
      { Effect: "Allow", Action: "dsql:DbConnectAdmin", Resource },
    ]);
    expect(statementOf("ReaderRole")).toEqual([{ Effect: "Allow", Action: "dsql:DbConnect", Resource }]);
    expect(resources.ReaderRole.Properties).not.toHaveProperty("PermissionsBoundary");
  });

  it("has the tags that find the cluster in it by name, and its protection and its owner as parameters", () => {
    const {
      resources,
      parameters,
      tags: ofStack,
    } = body({ ...PLAIN, extraTags: { team: "db", Name: "no" } });
    const expected = { team: "db", ...tags };
    expect(ofStack).toEqual(expected);
    const listed = resources.Cluster.Properties.Tags.map(({ Key, Value }: Record<string, string>) => [
      Key,
      Value,
    ]);
    expect(Object.fromEntries(listed)).toEqual(expected);
    expect(parameters).toMatchObject({ Owner: tags.Name, DeletionProtection: "true" });
  });

  it("puts the operator's boundary on both roles and the key on the cluster", () => {
    const { resources } = body({ ...PLAIN, boundaryArn: "arn:boundary", kmsKeyArn: "arn:key" });
    for (const role of ["ConnectRole", "ReaderRole"])
      expect(resources[role].Properties.PermissionsBoundary).toBe("arn:boundary");
    expect(resources.Cluster.Properties.KmsEncryptionKey).toBe("arn:key");
  });

  it("has another version for another boundary, key or tag of the operator, but the same for every cluster", () => {
    const versions = [
      PLAIN,
      { ...PLAIN, boundaryArn: "arn:boundary" },
      { ...PLAIN, kmsKeyArn: "arn:key" },
      { ...PLAIN, extraTags: { team: "db" } },
    ].map(templateVersion);
    expect(new Set(versions).size).toBe(versions.length);
    expect(body(PLAIN).parameters["TemplateVersion"]).toBe(versions[0]);
  });

  it("has its version in a resource, so that CloudFormation never calls another version the same", () => {
    const { resources } = body(PLAIN);
    expect(resources.ConnectRole.Metadata).toEqual({ TemplateVersion: { Ref: "TemplateVersion" } });
  });

  it("is far smaller than what CloudFormation takes inline", () => {
    const extraTags = Object.fromEntries(
      Array.from({ length: 30 }, (_, n) => [`k${n}`.padEnd(128, "k"), "v".repeat(256)]),
    );
    expect(body({ ...PLAIN, extraTags }).size).toBeLessThan(51_200);
  });
});
