import { readFileSync, writeFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { authorizationMatrix, renderMatrix } from "../../service/domain/authorization-matrix.ts";
import {
  authorize,
  hasLabels,
  listingOf,
  OPERATIONS,
  type Operation,
  type Subject,
} from "../../service/domain/authorize.ts";
import { type Caller, SCOPES } from "../../service/domain/caller.ts";
import { statusOfReason } from "../../service/http/problem-status.ts";

const GOLDEN = new URL("../../docs/authorization.md", import.meta.url);
const END = new Date("2100-01-01T00:00:00Z");

const labels = fc.dictionary(fc.constantFrom("team", "plan"), fc.constantFrom("a", "b"));
const repository = fc.record({
  host: fc.constantFrom("github.com", "git.corp"),
  repositoryId: fc.constantFrom(1, 2),
});
const subject: fc.Arbitrary<Subject> = fc.oneof(
  fc.record({ kind: fc.constantFrom("system" as const, "nothing" as const) }),
  fc.record({ kind: fc.constant("tenant" as const), labels }),
  fc
    .record({
      place: repository,
      kind: fc.constantFrom("pull" as const, "branch" as const),
      number: fc.constantFrom(1, 2),
      labels,
      permission: fc.constantFrom("admin" as const, "write" as const, "read" as const, "none" as const),
    })
    .map(({ place, kind, number, ...rest }) => ({
      ...{ kind, ...place, ...rest },
      ...(kind === "pull" ? { number, gitBranch: null } : { number: null, gitBranch: `b${number}` }),
    })),
);
const caller: fc.Arbitrary<Caller> = fc.oneof(
  fc.constant<Caller>({ kind: "anonymous", address: "192.0.2.1" }),
  fc.record({
    ...{ kind: fc.constant("key" as const), id: fc.constant("key_1"), name: fc.constant("key") },
    ...{ scopes: fc.subarray([...SCOPES]), selector: fc.option(labels), expiresAt: fc.constant(null) },
  }),
  fc.record({ place: repository, number: fc.constantFrom(1, 2), isPull: fc.boolean() }).map(
    ({ place, number, isPull }): Caller => ({
      ...{ kind: "job", id: "ses_1", name: "job", expiresAt: END },
      place: isPull
        ? { kind: "pull", ...place, number }
        : { kind: "branch", ...place, gitBranch: `b${number}` },
    }),
  ),
  fc.constant<Caller>({ kind: "person", id: "ses_2", host: "github.com", login: "ada", expiresAt: END }),
);
const operation = fc.constantFrom<Operation>(...OPERATIONS);

describe("who may do what", () => {
  it("is what the printed table says", () => {
    const table = renderMatrix(authorizationMatrix());
    if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(GOLDEN, table);
    expect(table).toBe(readFileSync(GOLDEN, "utf8"));
  });

  it("has every operation in the table", () => {
    expect([...new Set(authorizationMatrix().map((row) => row.operation))]).toEqual([...OPERATIONS]);
  });

  it("answers every denial with the status that the API has for its reason", () => {
    fc.assert(
      fc.property(caller, operation, subject, (who, what, whom) => {
        const decision = authorize(who, what, whom);
        if (!decision.allow) expect(statusOfReason(decision.reason)).toBe(decision.status);
      }),
    );
  });

  it("allows nothing over what does not exist, and nobody without a credential", () => {
    fc.assert(
      fc.property(caller, operation, subject, (who, what, whom) => {
        if (what === "self.get") return;
        expect(authorize({ kind: "anonymous", address: "192.0.2.1" }, what, whom).allow).toBe(false);
        if (!/^(key|slots|regions)\./.test(what)) {
          expect(authorize(who, what, { kind: "nothing" }).allow).toBe(false);
        }
      }),
    );
  });

  it("hides what a key or a job may not reach exactly as what does not exist", () => {
    fc.assert(
      fc.property(caller, operation, subject, (who, what, whom) => {
        const decision = authorize(who, what, whom);
        if (decision.allow || whom.kind === "system" || who.kind === "person") return;
        const isOwnLabels = what.endsWith(".create") && decision.reason === "selector";
        if (!isOwnLabels) expect(decision).toEqual(authorize(who, what, { kind: "nothing" }));
      }),
    );
  });

  it("never lets a key beyond its labels, nor a job beyond its place", () => {
    fc.assert(
      fc.property(caller, operation, subject, (who, what, whom) => {
        if (!authorize(who, what, whom).allow || !("labels" in whom) || what === "self.get") return;
        if (who.kind === "key") expect(hasLabels(whom.labels, who.selector)).toBe(true);
        if (who.kind !== "job") return;
        const { labels: _, permission: __, ...rest } = { permission: null, ...whom };
        expect(rest).toMatchObject(who.place);
      }),
    );
  });

  it("takes away nothing when a key gets a further scope", () => {
    fc.assert(
      fc.property(
        fc.subarray([...SCOPES]),
        fc.constantFrom(...SCOPES),
        operation,
        subject,
        (has, gets, what, whom) => {
          const key = { kind: "key", id: "key_1", name: "key", selector: null, expiresAt: null } as const;
          if (!authorize({ ...key, scopes: has }, what, whom).allow) return;
          expect(authorize({ ...key, scopes: [...has, gets] }, what, whom).allow).toBe(true);
        },
      ),
    );
  });

  it("lists exactly what it would allow to be listed one by one", () => {
    const list = fc.constantFrom("tenant.list" as const, "environment.list" as const);
    fc.assert(
      fc.property(caller, list, subject, (who, what, whom) => {
        if (whom.kind === "system" || whom.kind === "nothing" || who.kind === "person") return;
        const listing = listingOf(who, what);
        const isListed =
          "kinds" in listing &&
          listing.kinds.includes(whom.kind) &&
          hasLabels(whom.labels, listing.labels) &&
          (listing.place === null || isAt(whom, listing.place));
        expect(isListed).toBe(authorize(who, what, whom).allow);
      }),
    );
  });
});

function isAt(whom: Subject, place: object): boolean {
  return Object.entries(place).every(([name, value]) => Object(whom)[name] === value);
}
