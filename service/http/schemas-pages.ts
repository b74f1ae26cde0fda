/** The pages of lists, and what a sign-in that is not done yet is answered. */
import Type from "typebox";
import { pageOf } from "./schemas.ts";

export const EnvironmentPage = pageOf("EnvironmentPage", Type.Ref("Environment"));
export const EventPage = pageOf("EventPage", Type.Ref("Event"));
export const RegionPage = pageOf("RegionPage", Type.Ref("Region"));

export const LoginPending = Type.Object(
  { status: Type.Enum(["pending"]), intervalSeconds: Type.Integer() },
  { $id: "LoginPending", description: "Nobody has agreed yet.", additionalProperties: false },
);
