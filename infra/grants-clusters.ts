/** What the worker may do to environments' clusters. Tags decide: nothing without ours is changed, and never the store. */
import { CLUSTER_TAG, KIND_TAG, REPOSITORY_TAG, SERVICE_TAG } from "../service/domain/names.ts";
import type { Conditions, Grant, Places } from "./grants.ts";

const WORKER = ["worker"] as const;

export function clusterGrants(places: Places): readonly Grant[] {
  return [...creating(places), ...reading(places), ...managing(places)];
}

function creating(places: Places): readonly Grant[] {
  return [
    {
      sid: "CreateClusters",
      who: WORKER,
      actions: ["dsql:CreateCluster"],
      resources: [clusterArns(places)],
      conditions: requestTags(places),
      why: "A new cluster has our tags, one of the kinds of this deployment and no foreign tag, or is not made.",
    },
    {
      sid: "TagNewClusters",
      who: WORKER,
      actions: ["dsql:TagResource"],
      resources: [clusterArns(places)],
      conditions: requestTags(places),
      why: "CreateCluster with tags is checked for this too. AWS knows no condition for `only while it is made`.",
      unseen: "AWS checks it within CreateCluster; the service never calls TagResource.",
    },
    {
      sid: "NeverTagTheStore",
      who: ["worker", "stacks"],
      effect: "Deny",
      actions: ["dsql:TagResource", "dsql:UntagResource"],
      resources: [places.storeArn],
      why: "Whoever could tag the store as a preview could remove it by the statements below.",
    },
    {
      sid: "CreateServiceLinkedRole",
      who: WORKER,
      actions: ["iam:CreateServiceLinkedRole"],
      resources: [
        `arn:${places.partition}:iam::${places.account}:role/aws-service-role/dsql.amazonaws.com/AWSServiceRoleForAuroraDsql`,
      ],
      conditions: { StringEquals: { "iam:AWSServiceName": "dsql.amazonaws.com" } },
      why: "The first cluster of an account makes DSQL's own role, in the name of whoever creates it.",
      unseen: "DSQL makes the call, once in an account's life.",
    },
  ];
}

function reading(places: Places): readonly Grant[] {
  return [
    {
      sid: "ListClusters",
      who: WORKER,
      actions: ["dsql:ListClusters"],
      resources: ["*"],
      why: "Slots are counted over all clusters of the account. AWS takes no narrower resource for this action.",
    },
    {
      sid: "ObserveClusters",
      who: WORKER,
      actions: ["dsql:GetCluster"],
      resources: [clusterArns(places)],
      why: "A cluster that is gone has no tags: with a condition on them AWS would say `denied`, and it would never count as gone.",
    },
    {
      sid: "ReadTagsOfAllClusters",
      who: WORKER,
      actions: ["dsql:ListTagsForResource"],
      resources: [clusterArns(places)],
      why: "Ours are told from foreign ones by their tags, so the tags of foreign ones are read too.",
    },
  ];
}

function managing(places: Places): readonly Grant[] {
  return [
    {
      sid: "ManageOurClusters",
      who: WORKER,
      actions: [
        "dsql:UpdateCluster",
        "dsql:DeleteCluster",
        "dsql:PutClusterPolicy",
        "dsql:GetClusterPolicy",
        "dsql:DeleteClusterPolicy",
      ],
      resources: [clusterArns(places)],
      conditions: resourceTags(places.kinds),
      why: "Protect, fence and remove what carries our tags and a kind of this deployment; the store's kind is none.",
    },
    {
      sid: "MigrateOurClusters",
      who: WORKER,
      actions: ["dsql:DbConnectAdmin"],
      resources: [clusterArns(places)],
      conditions: resourceTags(places.kinds),
      why: "Migrations run, roles are mapped and readiness is proved as the cluster's admin.",
    },
  ];
}

export function clusterArns({
  partition,
  region,
  account,
}: Pick<Places, "partition" | "region" | "account">): string {
  return `arn:${partition}:dsql:${region}:${account}:cluster/*`;
}

/** What carries our tag and one of these kinds. */
export function resourceTags(kinds: readonly string[]): Conditions {
  return {
    StringEquals: {
      [`aws:ResourceTag/${SERVICE_TAG}`]: "offshoot",
      [`aws:ResourceTag/${KIND_TAG}`]: kinds,
    },
  };
}

/** A request that sets the tags that policies read, and no tag but the service's and the operator's. */
export function requestTags({ kinds, extraTagNames }: Places): Conditions {
  const names = [SERVICE_TAG, CLUSTER_TAG, KIND_TAG, REPOSITORY_TAG, "Name", ...extraTagNames];
  return {
    StringEquals: {
      [`aws:RequestTag/${SERVICE_TAG}`]: "offshoot",
      [`aws:RequestTag/${KIND_TAG}`]: kinds,
    },
    Null: { [`aws:RequestTag/${CLUSTER_TAG}`]: "false" },
    "ForAllValues:StringEquals": { "aws:TagKeys": names },
  };
}
