import Type, { type Static } from "typebox";
import { invalid } from "./api-error.ts";
import type { FileTexts } from "./commits.ts";

/** What the local API takes. Sizes are far above what a person or a test sends. */
export const Login = Type.String({ minLength: 1, maxLength: 100 });
const Title = Type.String({ minLength: 1, maxLength: 256 });
/** Of the names that git takes those that need no quoting anywhere. (git-check-ref-format) */
export const GitBranch = Type.String({
  pattern: "^(?!.*(\\.\\.|//|/\\.|\\.lock(/|$)|[./]$))[A-Za-z0-9][A-Za-z0-9._/-]{0,199}$",
});
const Files = Type.Record(Type.String(), Type.Union([Type.String(), Type.Null()]), { maxProperties: 2_000 });
export const closed = { additionalProperties: false };

export const OpenBody = Type.Object(
  {
    ...{ author: Login, title: Title, branch: GitBranch, files: Files },
    body: Type.Optional(Type.String({ maxLength: 65_536 })),
    fork: Type.Optional(Type.Boolean()),
    draft: Type.Optional(Type.Boolean()),
  },
  closed,
);
export const PushBody = Type.Object({ author: Login, files: Files }, closed);
export const BranchPushBody = Type.Object(
  { author: Login, files: Files, force: Type.Optional(Type.Boolean()) },
  closed,
);
/** The path of what is about a git branch. */
export const GitBranchPath = Type.Object({ gitBranch: GitBranch });
export const CloseBody = Type.Object({ author: Login, merged: Type.Optional(Type.Boolean()) }, closed);
export const AuthorBody = Type.Object({ author: Login }, closed);
export const ReviseBody = Type.Object(
  { author: Login, title: Type.Optional(Title), base: Type.Optional(GitBranch) },
  closed,
);
export const CommentBody = Type.Object({ author: Login, body: Type.String() }, closed);

const RepositoryName = Type.String({ pattern: "^[A-Za-z0-9][\\w.-]{0,99}$" });
export const RenameBody = Type.Object({ name: RepositoryName }, closed);
export const RepositoryBody = Type.Object({ author: Login, name: RepositoryName, files: Files }, closed);

export type RenameBody = Static<typeof RenameBody>;
export type RepositoryBody = Static<typeof RepositoryBody>;
export type OpenBody = Static<typeof OpenBody>;
export type PushBody = Static<typeof PushBody>;
export type BranchPushBody = Static<typeof BranchPushBody>;
export type CloseBody = Static<typeof CloseBody>;
export type AuthorBody = Static<typeof AuthorBody>;
export type ReviseBody = Static<typeof ReviseBody>;
export type CommentBody = Static<typeof CommentBody>;

/** The longest path that git hosts take. */
const PATH_CHARACTERS = 4096;

/** Throws 422 for a path that git would not take. */
export function checkFiles(files: FileTexts): FileTexts {
  for (const path of Object.keys(files)) {
    const names = path.split("/");
    const isBad = names.some((name) => ["", ".", "..", ".git"].includes(name) || name.includes("\0"));
    if (isBad || path.length > PATH_CHARACTERS)
      throw invalid(`${path.slice(0, 100)} is not a path of a file.`);
  }
  return files;
}
