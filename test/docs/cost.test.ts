import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { METRIC } from "../../service/domain/metrics.ts";
import { resourcesOf } from "./golden-stack.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const COST = readFileSync(join(ROOT, "docs", "cost.md"), "utf8");
const MONTHS = ["Idle month", "With a key of your own", "Busy month"] as const;

interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly Readonly<Record<string, string>>[];
}

/** The table below a heading: its rows by the names of the columns. */
function tableOf(heading: string): Table {
  const [, chapter = ""] = COST.split(`\n## ${heading}\n`);
  const lines = (chapter.split("\n## ")[0] ?? "").split("\n").filter((line) => line.startsWith("|"));
  const cells = lines.map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
  const [columns = [], _rule, ...rows] = cells;
  return {
    columns,
    rows: rows.map((row) => Object.fromEntries(columns.map((name, i) => [name, row[i] ?? ""]))),
  };
}

/** A sum of products, such as `43,200 × 0.2 + 12,240`, or one quotient, such as `8.00 / 1,000,000`. */
function worth(text: string): number {
  const factor = (part: string) => {
    const [over = "", under = "1"] = part.replace(/[,*]/g, "").split("/");
    return Number(over) / Number(under);
  };
  const terms = text
    .split(" + ")
    .map((term) => term.split(" × ").reduce((all, part) => all * factor(part), 1));
  return terms.reduce((all, one) => all + one, 0);
}

const cents = (dollars: number) => Math.round(dollars * 100 + 1e-7);
const centsOf = (text = "") => cents(worth(text));

describe.each(MONTHS)("the table %s", (month) => {
  const { rows } = tableOf(month);
  const parts = rows.slice(0, -1);
  const total = rows.at(-1) ?? {};

  it.each(parts)(
    "has its arithmetic right for $part",
    ({ quantity = "", free = "0", price = "", dollars, ...rest }) => {
      expect(centsOf(dollars)).toBe(cents(worth(quantity) * worth(price)));
      const left = rest["after what is free"];
      if (left === undefined) return;
      expect(centsOf(left)).toBe(cents(Math.max(0, worth(quantity) - worth(free)) * worth(price)));
    },
  );

  it("adds up", () => {
    expect(total["part"]).toBe("**total**");
    for (const column of ["dollars", "after what is free"].filter((name) => name in total)) {
      const sum = parts.reduce((all, row) => all + centsOf(row[column]), 0);
      expect(centsOf(total[column]), column).toBe(sum);
    }
  });

  it("takes its prices from the list", () => {
    const listed = [...tableOf("Prices").rows.map(({ dollars }) => dollars), idleTotal()];
    expect(parts.map(({ price }) => price).filter((price) => !listed.includes(price))).toEqual([]);
  });
});

function idleTotal(): string {
  return (tableOf("Idle month").rows.at(-1)?.["dollars"] ?? "").replaceAll("*", "");
}

describe("the cost page", () => {
  it("has a source beside each price", () => {
    const bare = tableOf("Prices").rows.filter(
      ({ source = "" }) => !/<https:\/\/|^the same$|not read from a page here/.test(source),
    );
    expect(bare).toEqual([]);
  });

  it("counts what the stack has", () => {
    const read = resourcesOf("AWS::CloudWatch::Alarm").map(({ Properties }) => {
      const metrics = Properties["Metrics"] as readonly object[] | undefined;
      return metrics?.filter((one) => "MetricStat" in one).length ?? 1;
    });
    const quantities = Object.fromEntries(
      tableOf("Idle month").rows.map(({ part = "", quantity }) => [part, quantity]),
    );
    expect(quantities).toMatchObject({
      alarms: String(read.reduce((all, one) => all + one, 0)),
      "metrics of our own": String(Object.keys(METRIC).length),
      dashboard: String(resourcesOf("AWS::CloudWatch::Dashboard").length),
      "the App's secret": String(resourcesOf("AWS::SecretsManager::Secret").length),
    });
  });

  it("says what the README says of an idle month", () => {
    const readme = readFileSync(join(ROOT, "README.md"), "utf8").replace(/\s+/g, " ");
    const after = tableOf("Idle month").rows.at(-1)?.["after what is free"] ?? "";
    expect(readme).toContain(
      `about ${Math.round(worth(idleTotal()))} dollars a month at list prices, about ${Math.round(worth(after))} in an account of its own`,
    );
  });
});
