import { expect, test } from "vitest";
import { missingGrantsLine } from "../../service/domain/app-permissions.ts";
import type { RenderedCheck } from "../../service/domain/render-check.ts";
import { renderCheck, renderSuperseded } from "../../service/domain/render-check.ts";
import { at, statesOf, viewOf } from "./report-views.ts";

const NOW = at("23T16:30:00");
const states = Object.entries(statesOf());

/** All of them in one file: what people compare is their titles. */
function golden(name: string, { check }: RenderedCheck): string {
  const { status, conclusion, title, summary, annotation } = check;
  const place = annotation
    ? `\n\nannotation: ${annotation.path}:${annotation.line} ${annotation.message}`
    : "";
  return `${name}\n${"=".repeat(name.length)}\n${conclusion ?? status}: ${title}\n\n${summary}${place}\n`;
}

test("says on each state what its golden file says", async () => {
  const [, ready] = states.find(([name]) => name === "ready-aws") ?? [];
  const [, failed] = states.find(([name]) => name === "failed") ?? [];
  const [, waiting] = states.find(([name]) => name === "waiting") ?? [];
  if (!ready || !failed || !waiting) throw new Error("A state is missing.");
  const installation = {
    account: "acme",
    url: "https://github.com/organizations/acme/settings/installations/7",
  };
  const lacking = missingGrantsLine({ ...installation, permissions: { checks: "write" }, events: ["push"] });
  const texts = [
    ...states.map(([name, state]) => golden(name, renderCheck([viewOf(state)], null, NOW))),
    golden("waiting too long", renderCheck([viewOf(waiting)], null, at("24T16:30:00"))),
    golden("two databases", renderCheck([viewOf(ready), viewOf(failed, null, "audit")], null, NOW)),
    golden("missing permissions", renderCheck([viewOf(ready)], lacking, NOW)),
    golden("superseded", renderSuperseded()),
  ];
  await expect(texts.join("\n")).toMatchFileSnapshot("./golden-checks.md");
});
