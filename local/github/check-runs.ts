import Type, { type Static } from "typebox";
import Value from "typebox/value";
import { invalid } from "./api-error.ts";
import type { Repository } from "./model.ts";

const Status = Type.Union([Type.Literal("queued"), Type.Literal("in_progress"), Type.Literal("completed")]);
const Conclusion = Type.Union(
  (["action_required", "cancelled", "failure", "neutral", "success", "skipped", "timed_out"] as const).map(
    (one) => Type.Literal(one),
  ),
);
/** GitHub's bounds. (rest/checks/runs) */
const TEXT_CHARACTERS = 65_535;
const ANNOTATIONS_MAX = 50;

const Annotation = Type.Object(
  {
    path: Type.String({ minLength: 1 }),
    start_line: Type.Integer({ minimum: 1 }),
    end_line: Type.Integer({ minimum: 1 }),
    annotation_level: Type.Union([Type.Literal("notice"), Type.Literal("warning"), Type.Literal("failure")]),
    message: Type.String({ minLength: 1, maxLength: 64 * 1024 }),
    title: Type.Optional(Type.String({ maxLength: 255 })),
  },
  { additionalProperties: false },
);
export type Annotation = Static<typeof Annotation>;

const Output = Type.Object(
  {
    title: Type.String({ minLength: 1 }),
    summary: Type.String({ maxLength: TEXT_CHARACTERS }),
    text: Type.Optional(Type.String({ maxLength: TEXT_CHARACTERS })),
    annotations: Type.Optional(Type.Array(Annotation, { maxItems: ANNOTATIONS_MAX })),
  },
  { additionalProperties: false },
);
const Fields = {
  details_url: Type.Optional(Type.String({ pattern: "^https?://" })),
  external_id: Type.Optional(Type.String()),
  status: Type.Optional(Status),
  conclusion: Type.Optional(Conclusion),
};
const Creation = Type.Object(
  {
    ...Fields,
    name: Type.String({ minLength: 1 }),
    head_sha: Type.String({ pattern: "^[0-9a-f]{40}$" }),
    output: Type.Optional(Output),
  },
  { additionalProperties: false },
);
const Update = Type.Object(
  {
    ...Fields,
    name: Type.Optional(Type.String({ minLength: 1 })),
    output: Type.Optional(
      Type.Object(
        { ...Output.properties, title: Type.Optional(Type.String()) },
        { additionalProperties: false },
      ),
    ),
  },
  { additionalProperties: false },
);

export interface CheckRun {
  readonly id: number;
  readonly repository: Repository;
  readonly headSha: string;
  readonly name: string;
  readonly externalId: string | null;
  readonly detailsUrl: string | null;
  readonly status: Static<typeof Status>;
  readonly conclusion: Static<typeof Conclusion> | null;
  readonly title: string | null;
  readonly summary: string | null;
  readonly text: string | null;
  /** GitHub adds to them, and takes none away. */
  readonly annotations: readonly Annotation[];
  readonly startedAt: Date;
  readonly completedAt: Date | null;
}

export type CheckRuns = ReturnType<typeof createCheckRuns>;

/** The check runs of this GitHub. What it would not take is refused with 422. */
export function createCheckRuns(nextId: () => number) {
  const runs = new Map<number, CheckRun>();
  const put = (run: CheckRun) => {
    runs.set(run.id, run);
    return run;
  };
  return {
    create(repository: Repository, body: unknown): CheckRun {
      const fields = checked(Creation, body);
      if (!repository.objects.commit(fields.head_sha))
        throw invalid(`No commit found for SHA: ${fields.head_sha}`);
      const unsaid = { externalId: null, detailsUrl: null, title: null, summary: null, text: null };
      const id = nextId();
      const run: CheckRun = {
        ...{ ...unsaid, id, repository, headSha: fields.head_sha, name: fields.name, annotations: [] },
        ...{ status: "queued", conclusion: null, startedAt: new Date(), completedAt: null },
      };
      return put(changed(run, fields));
    },
    update: (run: CheckRun, body: unknown): CheckRun => put(changed(run, checked(Update, body))),
    get(repository: Repository, id: number): CheckRun | undefined {
      const run = runs.get(id);
      return run?.repository === repository ? run : undefined;
    },
    /** Those of a commit, newest first; `latest`: of each name only the newest. */
    at(repository: Repository, sha: string, filter: "latest" | "all"): readonly CheckRun[] {
      const all = [...runs.values()].filter((one) => one.repository === repository && one.headSha === sha);
      const newest = all.toReversed();
      if (filter === "all") return newest;
      return newest.filter((one) => newest.find(({ name }) => name === one.name) === one);
    },
  };
}

function changed(run: CheckRun, fields: Static<typeof Update>): CheckRun {
  // A conclusion alone completes it.
  const status = fields.conclusion ? "completed" : (fields.status ?? run.status);
  const isOpen = status !== "completed";
  const conclusion = isOpen ? null : (fields.conclusion ?? run.conclusion);
  if (!isOpen && conclusion === null) throw invalid('Invalid request.\n\n"conclusion" wasn\'t supplied.');
  const { output } = fields;
  return {
    ...run,
    ...{ status, conclusion, name: fields.name ?? run.name },
    completedAt: isOpen ? null : (run.completedAt ?? new Date()),
    externalId: fields.external_id ?? run.externalId,
    detailsUrl: fields.details_url ?? run.detailsUrl,
    title: output?.title ?? run.title,
    summary: output?.summary ?? run.summary,
    text: output?.text ?? run.text,
    annotations: [...run.annotations, ...(output?.annotations ?? [])],
  };
}

function checked<Schema extends typeof Creation | typeof Update>(
  schema: Schema,
  body: unknown,
): Static<Schema> {
  if (Value.Check(schema, body)) return body;
  const [error] = Value.Errors(schema, body);
  throw invalid(`Invalid request.\n\nFor '${error?.instancePath ?? ""}', ${error?.message ?? "not valid"}.`);
}
