import { headingOf, type Section, type StateOf } from "./render-section.ts";
import { dayClockText, dayText } from "./render-time.ts";
import type { ReportView, SlotHolder } from "./report.ts";

/** Holders with a row of their own, and those that are named after it: who waits needs one that is done, not all. */
const HOLDER_ROWS = 5;
const HOLDER_NAMES = 20;

const DESTROY = "comment `/db destroy` there (write access)";

export function waitingSection(view: ReportView, state: StateOf<"waiting">): Section {
  const heading = headingOf(view, `🟡 Waiting for a slot · position ${state.position}`);
  return { heading, blocks: waitingBlocks(state) };
}

function waitingBlocks(state: StateOf<"waiting">): readonly string[] {
  const { scope, limit, here, elsewhere, holders } = state;
  switch (scope) {
    case "author":
      return [
        `The author of this pull request has as many databases as one person may have at once: ${limit}.`,
        `This one is created as soon as one of them is gone: close a pull request that is done, or ${DESTROY}.`,
      ];
    case "repository":
      return [
        `This repository has as many databases as one repository may have at once: ${limit}.`,
        ...holderBlocks(holders),
      ];
    case "slots":
      return [takenText(limit, here, elsewhere), ...holderBlocks(holders)];
  }
}

function takenText(limit: number, here: number, elsewhere: number): string {
  if (limit === 0) return "There is no slot at all: clusters that are not Offshoot's fill the account.";
  const taken = limit === 1 ? "The only slot is taken" : `All ${limit} slots are taken`;
  return `${taken}: ${here} in this repository and ${elsewhere} in others.`;
}

function holderBlocks(holders: readonly SlotHolder[]): readonly string[] {
  if (holders.length === 0) return ["The next slot that becomes free is for those who wait, in their order."];
  const rows = holders
    .slice(0, HOLDER_ROWS)
    .map(({ number, since, until }) => `| #${number} | ${dayText(since)} | ${dayClockText(until)} |`);
  const named = holders.slice(HOLDER_ROWS, HOLDER_ROWS + HOLDER_NAMES).map(({ number }) => `#${number}`);
  const unnamed = holders.length - HOLDER_ROWS - named.length;
  const more = [...named, ...(unnamed > 0 ? [`${unnamed} more`] : [])].join(", ");
  const others = more === "" ? "" : `…and ${more}. `;
  return [
    ["| here | since | leaves by itself |", "|---|---|---|", ...rows].join("\n"),
    `${others}If one of them is done: ${DESTROY}. Nothing that is in use is taken away for this one.`,
  ];
}
