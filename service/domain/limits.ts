/** Every default and bound of the service, each with its reason. Durations carry their unit in the name. */

/** GitHub never delivers a larger event (docs: webhook payload cap of 25 MB). */
export const WEBHOOK_BODY_BYTES = 25 * 1024 * 1024;
/** Webhook secrets that may be valid at once: the current one and one being rotated out, with room for a slip. */
export const WEBHOOK_SECRETS_MAX = 4;

/** A step's hold on a wakeup: longer than any outside call with its retries, short enough that a killed worker is missed for a minute only. */
export const LEASE_SECONDS = 60;
/** A migrate step stops starting statements after this and settles, so that its lease never runs out while it is healthy. */
export const MIGRATE_STEP_SECONDS = 20;
/** Due wakeups read per claim, and taken at most: reading 64 and taking 8 gave the fewest conflicts in the prototype. */
export const CLAIM_READ = 64;
export const CLAIM_TAKE = 8;
/** Deliveries applied by one intake step, within its lease: a command costs two calls to GitHub. More stay for the next one. */
export const INTAKE_DELIVERIES = 20;
/** GitHub's answer may be a moment older than its webhook; if they contradict each other it is asked once more. */
export const CONTRADICTED_LOOK_MS = 10_000;
/** Back-off of a failed step: 1 s doubled up to 5 min, with jitter; never given up. */
export const BACKOFF_FIRST_MS = 1_000;
export const BACKOFF_LAST_MS = 300_000;

/** AWS promises that a repeated client token returns the first answer; how long is not published, so only 5 min are trusted. */
export const CLIENT_TOKEN_TRUST_MS = 5 * 60_000;
/** A create that was begun within the trust may arrive this much later, from a worker that was paused; AWS refuses older signatures. */
export const CREATE_LATE_MS = 5 * 60_000;
/** A cluster is called absent only after two complete lists, or two 404s, this far apart. */
export const ABSENCE_CONFIRM_MS = 60_000;
/** A 404 right after creation is replication lag, not absence. */
export const CREATE_LAG_MS = 2 * 60_000;
/** CREATING is looked at again after as long as it has lasted, within these bounds; AWS needs 5 to 90 s. */
export const CREATING_LOOK_FIRST_MS = 100;
export const CREATING_LOOK_LAST_MS = 5_000;
export const CREATE_SLOW_MS = 15 * 60_000;
export const REMOVING_LOOK_MS = 10_000;
export const REMOVE_SLOW_MS = 60 * 60_000;
/** A refused create (400, 403) needs an operator: look again in an hour or when woken. */
export const REFUSED_LOOK_MS = 60 * 60_000;
/** A stack that could not be made is made anew after this, and ever later the longer it goes on. */
export const ROLLED_BACK_LOOK_MS = 60_000;
/** A failed change of a stack is tried again after this: it costs nobody anything, and a person may have helped. */
export const STACK_UPDATE_AGAIN_MS = 6 * 60 * 60_000;
/** A step that GitHub or the database refuses is tried this often: permissions take a while to be granted and to spread. */
export const REFUSED_STEP_LOOK_MS = 5 * 60_000;
/** A report that GitHub refuses is tried this often, an hour apart: a suspended App is often back within three days. */
export const REPORT_REFUSALS_MAX = 72;
/** The same for deliveries, which are lost when they are given up. */
export const INTAKE_REFUSALS_MAX = 72;
/** A pull request that GitHub does not show may be too new for one of its machines; this many tries take a minute. */
export const PULL_TRIES_MAX = 6;
/** A full quota is looked at again this often, besides being woken when a cluster is gone. */
export const WAITING_LOOK_MS = 30_000;
/** While creates are under way the count is too high for a moment; a new environment gives it this long to settle. */
export const SLOTS_SETTLE_MS = 5_000;
export const SLOTS_SETTLE_LOOK_MS = 250;
/** What a list said of the clusters of others is believed this long: they come and go by hand, and 402 is the arbiter. */
export const FOREIGN_TRUST_MS = 5_000;
/** Tries to take a slot in one step: one more than the steps that a process runs at a time, and some for other processes. */
export const SLOT_TRIES_MAX = 12;
/** The first query may find the cluster waking up; after this it is a failure that the report shows. */
export const VERIFY_DEADLINE_MS = 5 * 60_000;
/** Ready environments are looked at at least this often, to notice a cluster that somebody deleted. */
export const READY_LOOK_MS = 60 * 60_000;

/** Single-Region clusters per account and Region by default (DSQL quotas page). */
export const CLUSTER_QUOTA = 20;
/** Slots that are never used: the quota may be shared with a console user, and a rebuild needs one. */
export const SLOT_RESERVE = 2;
export const ENVIRONMENTS_PER_AUTHOR = 3;
export const ENVIRONMENTS_PER_REPOSITORY = 10;
/** A preview is kept this long after the last push or command on its pull request. */
export const IDLE_HOURS = 72;
export const AGE_DAYS = 14;

/** Migration files and statements of one plan, and the size of one file: a preview's schema, not a data load. */
export const MIGRATION_FILES_MAX = 500;
export const MIGRATION_STATEMENTS_MAX = 5_000;
export const MIGRATION_FILE_BYTES = 1024 * 1024;
/** Splitting a file takes milliseconds; a parser that needs longer than this is stopped. */
export const SPLIT_TIMEOUT_MS = 10_000;
/** A statement that answers 40001 was not committed and may be repeated; after this many it is a failure. */
export const STATEMENT_RETRIES = 10;
/** Losing the connection within one statement this often is the statement's fault, such as one that takes too long. */
export const STATEMENT_LOSSES_MAX = 5;

/** GitHub refuses longer comments with 422; the rest is room for the marker and the fold's end. */
export const COMMENT_CHARACTERS = 60_000;
/** A comment's progress is edited at most this often: 500 writes an hour are all that GitHub allows. */
export const PROGRESS_EDIT_MS = 10_000;
/** After the first comment the list is read once more this much later, to remove a second one by a worker that was paused. */
export const COMMENT_AUDIT_MS = 3 * 60_000;

/** GitHub takes 65,535 characters of summary; a title is one line beside many others. */
export const CHECK_SUMMARY_CHARACTERS = 60_000;
export const CHECK_TITLE_CHARACTERS = 120;
/** A check run waits this long for a slot and then ends: people wait for it, and GitHub calls it stale after 14 days. */
export const CHECK_WAIT_MS = 24 * 3_600_000;

/** An outside call that has no answer after this is `unknown`. */
export const CALL_TIMEOUT_MS = 30_000;

/** How long the data of a closed pull request or git branch is kept, and how long while somebody waits for its slot. */
export const GRACE_HOURS = 24;
export const GRACE_WAITED_MS = 60 * 60_000;
/** The same for customers: a week is what people need to notice a mistake. */
export const TENANT_GRACE_HOURS = 168;
/** At most a quarter: a forgotten tenant must end some time. */
export const GRACE_HOURS_MAX = 2_160;

/** The row of a customer who has ended, with its history, is kept this long: for questions, and for who comes back. */
export const CUSTOMER_KEPT_DAYS = 30;

/** A customer's key as the SaaS back end has it: printable, no white space, no slash, short enough for an index. */
export const CUSTOMER_KEY_PATTERN = "^[A-Za-z0-9][A-Za-z0-9._:@+~-]{0,127}$";
export const LABEL_NAME_PATTERN = "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$";
export const LABEL_VALUE_PATTERN = "^[A-Za-z0-9._:@+/-]{1,128}$";
/** Labels are rows of an index each. */
export const LABELS_MAX = 20;

/** A token's life: long enough to connect, and no longer than an hour, after which DSQL ends the session anyway. */
export const TOKEN_SECONDS = 900;
export const TOKEN_SECONDS_MIN = 60;
export const TOKEN_SECONDS_MAX = 3_600;

/** Items of one page of a list. */
export const PAGE_DEFAULT = 50;
export const PAGE_MAX = 100;
/** All migration files of a customer together, as they are stored: a column of DSQL holds 1 MiB. */
export const TENANT_MIGRATIONS_BYTES = 900_000;

/** The longest `?wait=`, shorter than the 60 s after which many proxies hang up; and how often is looked meanwhile. */
export const WAIT_SECONDS_MAX = 30;
export const WAIT_LOOK_MS = 200;
/** A function's wait ends this long before its time: for a last look, and for a cold start, which only API Gateway counts. */
export const WAIT_ANSWER_MS = 4_000;
/** Requests that one caller may have waiting at once: each holds a connection. */
export const WAITS_PER_CALLER = 20;
/** Requests of one caller per minute; of one address without a credential, and as many with one that does not hold. */
export const REQUESTS_PER_MINUTE = 3_000;
export const ANONYMOUS_REQUESTS_PER_MINUTE = 120;
/** The largest body of the API: a customer's migrations. */
export const API_BODY_BYTES = 1024 * 1024;
/** An answer to an Idempotency-Key is remembered this long, as Stripe does. */
export const IDEMPOTENCY_HOURS = 24;

/** A CI job's session lasts as long as a token; a person's as long as a sitting. */
export const JOB_SESSION_SECONDS = 900;
export const PERSON_SESSION_SECONDS = 3_600;
/** GitHub signs its OIDC tokens for 5 minutes; a clock may be off by this much. */
export const OIDC_MAX_AGE_SECONDS = 600;
export const OIDC_CLOCK_SKEW_SECONDS = 5;
/** The last use of a key is written at most this often. */
export const KEY_USED_MS = 60_000;

/** AWS is compared with the store this often: it costs one call per cluster, and a leak is worth cents a day. */
export const SWEEP_MS = 15 * 60_000;
/** Ended sessions and the like are deleted often enough that the tables stay as small as a day's requests. */
export const FORGET_MS = 60 * 60_000;
/** GitHub is asked for failed deliveries this often: one request, of 5,000 an hour. */
export const REDELIVER_MS = 5 * 60_000;
/** One step reads a page of this many and asks for them again, within its lease; the next page follows soon. */
export const REDELIVER_MAX = 50;
export const REDELIVER_MORE_MS = 5_000;
/** GitHub keeps deliveries for three days. */
export const REDELIVER_WINDOW_MS = 3 * 86_400_000;
/** A delivery is listed once it has ended, with the time of its beginning: 30 s later if it is GitHub Enterprise Server's. */
export const REDELIVER_SETTLE_MS = 60_000;
/** What was asked for and failed again rests this long: a thousand of them take 4,000 of the App's 5,000 requests an hour. */
export const REDELIVER_AGAIN_MS = 15 * 60_000;
/** A hint that is due within this is waited for by the function that heard of it: a message of its own takes as long. */
export const LINGER_MS = 2_000;
/** Keys that one function works on; more are handed to others by messages. */
export const HINTS_OPEN_MAX = 32;
/** A message can be delayed this long at most (SQS quotas page); what is due later is found by the schedule. */
export const HINT_DELAY_MS = 900_000;
/** Due keys that one tick sends on: ten thousand behind are gone in ten minutes, and each tick stays within seconds. */
export const TICK_KEYS_MAX = 1_000;
/** Due keys that a tick works on itself if the queue takes no messages. */
export const TICK_OWN_KEYS_MAX = 64;

/** A link that begins the set-up is good for a working day and the night after the deploy that made it. */
export const SETUP_CODE_HOURS = 24;
export const SETUP_CODE_HOURS_MAX = 168;
/** GitHub's manifest flow must be through within an hour. */
export const SETUP_STATE_MINUTES = 60;
/** How long the test delivery is waited for: API Gateway hangs up after 30 s, and the rest needs some of them. */
export const SETUP_PROOF_MS = 15_000;
/** What GitHub says of the App's permissions is believed this long: people change them once in a while. */
export const APP_GRANTS_MS = 10 * 60_000;

/** The epoch of the store rises this often while somebody works: a restore to less than this ago could go unnoticed. */
export const EPOCH_ADVANCE_MS = 60_000;
/** What is written outside the store follows within this, well before the next advance, or is left to the next look. */
export const EPOCH_FOLLOW_MS = 10_000;
/** How long a look at the epoch holds: two reads, besides what each claim reads. */
export const BRAKE_LOOK_MS = 5_000;
