import type { Tree } from "../dsql/xml.ts";
import { eventTree, resourceTree, stackTree, summaryOf } from "./answers.ts";
import { invalid } from "./errors.ts";
import { findStack } from "./operations.ts";
import type { Records, StackRecord } from "./records.ts";
import { type Input, items } from "./requests.ts";
import { parseTemplate } from "./template.ts";

/** AWS' largest page of stacks and of events. */
const PAGE = 100;

export type Queries = ReturnType<typeof makeQueries>;

/** The operations that only look. They throw ValidationError for a stack that does not exist. */
export function makeQueries(records: Records) {
  const stackOf = (name: string): StackRecord => {
    const stack = findStack(records, name);
    if (!stack) throw invalid(`Stack with id ${name} does not exist`);
    return stack;
  };
  const newestFirst = (): StackRecord[] => [...records.stacks.values()].reverse();
  return {
    DescribeStacks({ StackName, NextToken }: Input<"DescribeStacks">): Tree {
      if (StackName !== undefined) return { Stacks: [stackTree(stackOf(StackName))] };
      const { part, more } = page(newestFirst(), ({ stackId }) => stackId, NextToken, isPresent);
      return { Stacks: part.map(stackTree), ...more };
    },
    ListStacks({ StackStatusFilter, NextToken }: Input<"ListStacks">): Tree {
      const statuses = items(StackStatusFilter);
      const isListed = ({ status }: StackRecord) => statuses.length === 0 || statuses.includes(status);
      const { part, more } = page(newestFirst(), ({ stackId }) => stackId, NextToken, isListed);
      return { StackSummaries: part.map(summaryOf), ...more };
    },
    DescribeStackEvents({ StackName, NextToken }: Input<"DescribeStackEvents">): Tree {
      const stack = findStack(records, StackName);
      if (!stack) throw invalid(`Stack [${StackName}] does not exist`);
      const events = [...records.eventsOf(stack.stackId)].reverse();
      const { part, more } = page(
        events,
        ({ sequence }) => String(sequence),
        NextToken,
        () => true,
      );
      return { StackEvents: part.map(eventTree), ...more };
    },
    DescribeStackResources({ StackName, LogicalResourceId }: Input<"DescribeStackResources">): Tree {
      const stack = stackOf(StackName);
      const found = stack.resources.filter(
        ({ logicalId }) => LogicalResourceId === undefined || logicalId === LogicalResourceId,
      );
      if (LogicalResourceId !== undefined && found.length === 0) {
        throw invalid(`Resource ${LogicalResourceId} does not exist for stack ${StackName}`);
      }
      return { StackResources: found.map((resource) => resourceTree(stack, resource)) };
    },
    GetTemplate({ StackName }: Input<"GetTemplate">): Tree {
      return { TemplateBody: stackOf(StackName).wanted.template, StagesAvailable: ["Original"] };
    },
    ValidateTemplate({ TemplateBody }: Input<"ValidateTemplate">): Tree {
      const { description, parameters } = parseTemplate(TemplateBody);
      return {
        ...(description === undefined ? {} : { Description: description }),
        Parameters: Object.keys(parameters).map((ParameterKey) => ({ ParameterKey })),
      };
    },
  };
}

function isPresent({ deletedAt }: StackRecord): boolean {
  return deletedAt === undefined;
}

/**
 * A page of what is shown, starting after the item whose key the token is: newer items move nothing, and neither does one
 * that is not shown any more since the page before.
 */
function page<Item>(
  all: readonly Item[],
  keyOf: (item: Item) => string,
  token: string | undefined,
  isShown: (item: Item) => boolean,
) {
  const start = token === undefined ? 0 : all.findIndex((item) => keyOf(item) === token) + 1;
  if (token !== undefined && start === 0) throw invalid("The NextToken is not one of this list");
  const shown = all.slice(start).filter(isShown);
  const part = shown.slice(0, PAGE);
  const last = part.at(-1);
  const more: Tree = last && shown.length > PAGE ? { NextToken: keyOf(last) } : {};
  return { part, more };
}
