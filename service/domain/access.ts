/** The read-only database role that Offshoot makes in every cluster and maps to the signing role. */
export const READER_ROLE = "offshoot_reader";
