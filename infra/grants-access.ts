/** Tokens and parameters: how others find and reach their database. */
import type { Grant, Places } from "./grants.ts";
import { clusterArns, resourceTags } from "./grants-clusters.ts";
import { parameterArn } from "./grants-functions.ts";
import type { Kind } from "./settings.ts";

const SIGNERS = { preview: "previewTokens", tenant: "tenantTokens" } as const;

export function accessGrants(places: Places): readonly Grant[] {
  const roles = Object.values(places.tokenRoleArns);
  const assume: Grant = {
    sid: "AssumeTokenRoles",
    who: ["http"],
    actions: ["sts:AssumeRole"],
    resources: roles,
    why: "Tokens are signed by sessions of these roles, each narrowed to one cluster by its session policy.",
  };
  return [assume, ...places.kinds.map((kind) => signing(kind, places)), ...parameterGrants(places)];
}

/** A role each for previews and customers: a mistake in one can never sign for the other. */
function signing(kind: Kind, places: Places): Grant {
  return {
    sid: "SignTokens",
    who: [SIGNERS[kind]],
    actions: ["dsql:DbConnect", "dsql:DbConnectAdmin"],
    resources: [clusterArns(places)],
    conditions: resourceTags([kind]),
    why: `The most that a token for a ${kind} can reach: clusters of that kind, and nothing but connecting.`,
  };
}

function parameterGrants(places: Places): readonly Grant[] {
  if (places.parameterPrefix === null) return [];
  const resources = [parameterArn(places, `${places.parameterPrefix}/*`)];
  return [
    {
      sid: "KeepParameters",
      who: ["worker"],
      actions: ["ssm:PutParameter", "ssm:ListTagsForResource", "ssm:DeleteParameter"],
      resources,
      why: "Each database has a parameter below the prefix; its tags are read before it is changed or deleted.",
    },
    {
      sid: "TagNewParameters",
      who: ["worker"],
      actions: ["ssm:AddTagsToResource"],
      resources,
      why: "PutParameter with tags is checked for this too.",
      unseen: "AWS checks it within PutParameter.",
    },
  ];
}
