import { describe, expect, it } from "vitest";
import { connectError, statementError } from "../../service/adapters/dsql-sql-error.ts";

const server = (code: string, message: string, more: object = {}) =>
  Object.assign(new Error(message), { code, severity: "ERROR", ...more });
const wrapped = (cause: Error) => new Error("query failed", { cause });

describe("an error of a statement", () => {
  it.each([
    ["42P07", server("42P07", "relation exists")],
    ["54000", server("54000", "transaction row limit exceeded")],
    ["XX000", server("XX000", "cache lookup failed")],
  ])("%s is a failure with the server's message", (code, error) => {
    expect(statementError(error)).toEqual({ kind: "failed", code, message: error.message });
  });

  it.each([
    ["OC000", server("40001", "change conflicts with another transaction (OC000)")],
    ["OC001", server("40001", "schema has been updated by another transaction (OC001)")],
    ["one inside another error", wrapped(wrapped(server("40001", "OC000")))],
  ])("%s is a conflict", (_name, error) => {
    expect(statementError(error)).toEqual({ kind: "conflict" });
  });

  it.each([
    ["a reset socket", Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" })],
    ["EPIPE, which is as long as an SQLSTATE", Object.assign(new Error("write EPIPE"), { code: "EPIPE" })],
    ["a time-out", new Error("Query read timeout")],
    ["class 08", server("08006", "connection failure")],
    ["a shutdown", server("57P01", "terminating connection", { severity: "FATAL" })],
    ["the end of a session", server("25000", "session ended", { severity: "FATAL" })],
    ["an unavailable server", server("XX000", "server unavailable")],
    ["nothing at all", undefined],
  ])("%s leaves open whether it was applied", (_name, error) => {
    expect(statementError(error)).toMatchObject({ kind: "lost", cause: expect.any(String) });
  });

  it("never carries DETAIL, which quotes rows", () => {
    const error = server("23505", "duplicate key value", {
      detail: "Key (email)=(mona@example.com) exists.",
    });
    expect(JSON.stringify(statementError(error))).not.toContain("mona");
  });
});

describe("an error of connecting", () => {
  const fatal = (code: string, message: string, hint = "") =>
    server(code, message, { severity: "FATAL", hint });
  const denied = "unable to accept connection, access denied";

  it("says that the cluster wakes up", () => {
    const error = fatal("08006", "unable to accept connection, waking up cluster, please retry later");
    expect(connectError("host", error)).toMatchObject({ name: "Retryable", reason: "waking_up" });
  });

  it("refuses when the role may not connect, without account ids", () => {
    const hint =
      "User: arn:aws:sts::123456789012:assumed-role/x is not authorized to perform: dsql:DbConnectAdmin";
    const error = connectError("host", fatal("08006", denied, hint));
    expect(error).toMatchObject({ name: "Refused", reason: "access_denied" });
    expect(error.message).toContain("dsql:DbConnectAdmin");
    expect(error.message).not.toContain("123456789012");
  });

  it.each([
    ["an expired signature", fatal("08006", denied, "Signature expired: 20260101T000000Z")],
    ["a network error", new Error("connect ECONNREFUSED 127.0.0.1:5432")],
    ["a query that failed", server("40001", "OC001")],
  ])("tries again after %s", (_name, error) => {
    expect(connectError("host", error)).toMatchObject({ name: "Retryable", reason: "connect_failed" });
  });

  it.each(["53300", "53400"])("waits after %s, a limit of connections", (code) => {
    expect(connectError("host", fatal(code, "Unable to accept connection"))).toMatchObject({
      afterMs: 1_000,
    });
  });
});
