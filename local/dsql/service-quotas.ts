import Type from "typebox";
import { jsonService } from "./json-protocol.ts";
import { type Neighbour, NeighbourError } from "./neighbour.ts";

const ServiceCode = Type.String({ pattern: "^[a-zA-Z][a-zA-Z0-9-]{1,128}$" });
const INPUTS = {
  ListServiceQuotas: Type.Object({
    ServiceCode,
    NextToken: Type.Optional(Type.String()),
    MaxResults: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
  }),
  GetServiceQuota: Type.Object({
    ServiceCode,
    QuotaCode: Type.String({ pattern: "^[a-zA-Z][a-zA-Z0-9-]{1,128}$" }),
  }),
};

const CODES = { throttled: "TooManyRequestsException", internal: "ServiceException" };

/** The local Service Quotas, as far as it knows those of DSQL. AWS' own codes are not published: these are ours. */
export function makeServiceQuotas(clusters: number, region: string, accountId: string): Neighbour {
  const quotas = [
    { QuotaCode: "L-LOCAL001", QuotaName: "Single-Region clusters", Value: clusters, Adjustable: true },
    { QuotaCode: "L-LOCAL002", QuotaName: "Multi-Region clusters", Value: 5, Adjustable: true },
  ].map((quota) => ({
    ...{ ServiceCode: "dsql", ServiceName: "Amazon Aurora DSQL", Unit: "None", GlobalQuota: false, ...quota },
    QuotaArn: `arn:aws:servicequotas:${region}:${accountId}:dsql/${quota.QuotaCode}`,
  }));
  const ofService = (code: string) => {
    if (code === "dsql") return quotas;
    throw new NeighbourError("NoSuchResourceException", `The service ${code} does not exist here`);
  };
  return jsonService({
    ...{ service: "servicequotas", target: "ServiceQuotasV20190624", inputs: INPUTS, codes: CODES },
    invalidCode: "IllegalArgumentException",
    resourceOf: () => "*",
    operations: {
      ListServiceQuotas: ({ ServiceCode: code }) => ({ Quotas: ofService(code) }),
      GetServiceQuota({ ServiceCode: code, QuotaCode }) {
        const found = ofService(code).find((quota) => quota.QuotaCode === QuotaCode);
        if (!found) throw new NeighbourError("NoSuchResourceException", `There is no quota ${QuotaCode}`);
        return { Quota: found };
      },
    },
  });
}
