import type { ParseArgsOptionDescriptor } from "node:util";
import type { Io } from "./terminal.ts";

export interface Option extends ParseArgsOptionDescriptor {
  /** Of its value, such as `seconds`; none for a switch. */
  readonly value?: string;
  readonly help: string;
}

export interface Input {
  readonly args: readonly string[];
  /** What follows `--`. */
  readonly rest: readonly string[];
  readonly json: boolean;
  text(name: string): string | undefined;
  texts(name: string): readonly string[];
  is(name: string): boolean;
}

/** One command. Its help stands beside what it does, so that they change together. */
export interface Command {
  /** One or two words, such as `env list`. */
  readonly name: string;
  /** Its arguments, such as `<url or id>`. */
  readonly usage: string;
  readonly summary: string;
  /** The least and the most arguments that it takes. */
  readonly args: readonly [number, number];
  /** It takes a command of others after `--`. */
  readonly takesRest?: boolean;
  readonly options?: Readonly<Record<string, Option>>;
  readonly details?: string;
  /** Out: the exit code. */
  run(io: Io, input: Input): Promise<number>;
}

export const URL_OPTION: Readonly<Record<string, Option>> = {
  url: {
    type: "string",
    value: "address",
    help: "the service; by default OFFSHOOT_URL, or where you signed in",
  },
};
export const WAIT_OPTIONS: Readonly<Record<string, Option>> = {
  wait: { type: "boolean", help: "wait until it has ended" },
  "wait-seconds": { type: "string", value: "seconds", help: "how long to wait at most; 600 by default" },
};
export const LABEL_OPTION: Readonly<Record<string, Option>> = {
  label: { type: "string", multiple: true, value: "name=value", help: "a label; may be repeated" },
};
