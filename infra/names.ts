/** Names, ARNs and tags that more than one part of the stack uses. */
import { KIND_TAG, SERVICE_TAG } from "../service/domain/names.ts";

/** The tags of the service's own store; no policy on environments' clusters fits its kind. */
export const STORE_TAGS = { [SERVICE_TAG]: "offshoot", [KIND_TAG]: "store", Name: "offshoot store" } as const;

/** The database role that the functions work as on the store, which the function migrate makes: rows alone, no schema. */
export const STORE_ROLE = "offshoot_service";
