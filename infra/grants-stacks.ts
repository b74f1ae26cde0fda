/** Stacks per environment: the worker may only ask CloudFormation, which works with a role that is bounded itself. */
import type { Conditions, Grant, Places } from "./grants.ts";
import { clusterArns, requestTags, resourceTags } from "./grants-clusters.ts";

type Stacks = NonNullable<Places["stacks"]>;

const BY_CLOUDFORMATION = "CloudFormation makes these calls with the role that is passed to it.";

export function stackGrants(places: Places): readonly Grant[] {
  const { stacks } = places;
  if (stacks === null) return [];
  return [...askGrants(places, stacks), ...makeGrants(places), ...roleGrants(places, stacks)];
}

/** What the worker asks CloudFormation for. */
function askGrants({ partition, region, account }: Places, { prefix, roleArn }: Stacks): readonly Grant[] {
  const who = ["worker"] as const;
  const resources = [`arn:${partition}:cloudformation:${region}:${account}:stack/${prefix}*/*`];
  return [
    {
      sid: "ChangeStacksWithTheirRole",
      who,
      actions: ["cloudformation:CreateStack", "cloudformation:UpdateStack", "cloudformation:DeleteStack"],
      resources,
      conditions: { StringEquals: { "cloudformation:RoleArn": roleArn } },
      why: "Stacks below the prefix, and only with the role made for them: without it they would have the worker's rights.",
    },
    {
      sid: "LookAtStacks",
      who,
      actions: [
        "cloudformation:DescribeStacks",
        "cloudformation:DescribeStackEvents",
        "cloudformation:DescribeStackResources",
        "cloudformation:UpdateTerminationProtection",
      ],
      resources,
      why: "A stack's state, the event that explains a failure, and the protection of what must last.",
    },
    {
      sid: "ListStacks",
      who,
      actions: ["cloudformation:ListStacks"],
      resources: ["*"],
      why: "The sweep tells of stacks below the prefix that no row knows. AWS takes no narrower resource for this action.",
    },
    {
      sid: "TagStacks",
      who,
      actions: ["cloudformation:TagResource"],
      resources,
      why: "CreateStack with tags is checked for this too.",
      unseen: "AWS checks it within CreateStack.",
    },
    {
      sid: "PassStackRole",
      who,
      actions: ["iam:PassRole"],
      resources: [roleArn],
      conditions: { StringEquals: { "iam:PassedToService": "cloudformation.amazonaws.com" } },
      why: "This one role, and to nobody but CloudFormation.",
    },
  ];
}

/** What CloudFormation may do to clusters of stacks. */
function makeGrants(places: Places): readonly Grant[] {
  const who = ["stacks"] as const;
  const resources = [clusterArns(places)];
  // CloudFormation adds tags aws:cloudformation:… of its own, so the names of tags are not bounded here.
  const { "ForAllValues:StringEquals": _names, ...tags } = requestTags(places);
  return [
    {
      sid: "CreateClusters",
      who,
      actions: ["dsql:CreateCluster", "dsql:TagResource"],
      resources,
      conditions: tags as Conditions,
      why: "Clusters of stacks carry the same tags as all others.",
      unseen: BY_CLOUDFORMATION,
    },
    {
      sid: "ManageOurClusters",
      who,
      actions: [
        "dsql:GetCluster",
        "dsql:UpdateCluster",
        "dsql:DeleteCluster",
        "dsql:GetClusterPolicy",
        "dsql:ListTagsForResource",
        "dsql:GetVpcEndpointServiceName",
      ],
      resources,
      conditions: resourceTags(places.kinds),
      why: "What the resource type AWS::DSQL::Cluster reads, changes and deletes.",
      unseen: BY_CLOUDFORMATION,
    },
  ];
}

/** What CloudFormation may do to the roles of stacks: none without the boundary, none outside the prefix. */
function roleGrants({ partition, account }: Places, { prefix, boundaryArn }: Stacks): readonly Grant[] {
  const who = ["stacks"] as const;
  const resources = [`arn:${partition}:iam::${account}:role/${prefix}*`];
  return [
    {
      sid: "MakeBoundedRoles",
      who,
      actions: ["iam:CreateRole", "iam:PutRolePolicy", "iam:DeleteRolePolicy"],
      resources,
      conditions: { StringEquals: { "iam:PermissionsBoundary": boundaryArn } },
      why: "A role of a stack can never do more than the boundary says, which is to connect.",
      unseen: BY_CLOUDFORMATION,
    },
    {
      sid: "ManageRolesOfStacks",
      who,
      actions: [
        "iam:GetRole",
        "iam:GetRolePolicy",
        "iam:TagRole",
        "iam:UpdateAssumeRolePolicy",
        "iam:DeleteRole",
      ],
      resources,
      why: "What the resource type AWS::IAM::Role reads, changes and deletes besides.",
      unseen: BY_CLOUDFORMATION,
    },
  ];
}
