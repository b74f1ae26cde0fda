/**
 * Text that came from outside: names, SQL, file paths, server messages. Only the Markdown renderer may turn it into
 * Markdown; the type keeps everybody else from pasting it into a template string by accident.
 */
export interface OutsideText {
  readonly outside: string;
}

/** Marks a text as coming from outside. */
export function outside(text: string): OutsideText {
  return { outside: text };
}
