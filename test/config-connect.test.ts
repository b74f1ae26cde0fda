import { describe, expect, it } from "vitest";
import { readConfig } from "../service/config.ts";
import { GOOD, problems, readFile } from "./support/config-env.ts";

const CA = { OFFSHOOT_CONNECT_CA_FILE: "/ca.pem" };

describe("where comments say that people connect", () => {
  it("is an address, a port and certificates", () => {
    const given = { ...GOOD, ...CA, OFFSHOOT_CONNECT_TO: "127.0.0.1:65535" };
    expect(readConfig(given, readFile).connect.to).toEqual({
      ...{ address: "127.0.0.1", port: 65_535, caFile: "/ca.pem" },
    });
  });

  it.each(["99999", "65536", "0"])("has no port %s", (port) => {
    expect(problems({ ...CA, OFFSHOOT_CONNECT_TO: `127.0.0.1:${port}` })).toEqual([
      expect.stringMatching(/^OFFSHOOT_CONNECT_TO: given "127\.0\.0\.1:\d+"; expected the address:port/),
    ]);
  });

  it.each([
    ["OFFSHOOT_CONNECT_TO", CA],
    ["OFFSHOOT_CONNECT_CA_FILE", { OFFSHOOT_CONNECT_TO: "127.0.0.1:1" }],
  ])("is not known without %s", (name, given) => {
    expect(problems(given)).toEqual([expect.stringMatching(new RegExp(`^${name}: given nothing`))]);
  });
});
