import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { parse } from "yaml";

const FILE = join(import.meta.dirname, "..", "..", "docker-compose.yml");

it("publishes its ports on loopback alone", () => {
  const { services } = parse(readFileSync(FILE, "utf8")) as {
    services: Readonly<Record<string, { ports?: readonly string[] }>>;
  };
  const ports = Object.values(services).flatMap((service) => service.ports ?? []);
  expect(ports.length).toBeGreaterThan(0);
  expect(ports.filter((port) => !/^127\.0\.0\.1:\d+:\d+$/.test(port))).toEqual([]);
});
