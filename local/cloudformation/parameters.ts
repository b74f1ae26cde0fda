import { invalid, notOffered } from "./errors.ts";
import type { ParameterRecord } from "./records.ts";
import { membersOf, type Template } from "./template.ts";

/** A parameter as a request gives it. */
export interface GivenParameter {
  key: string;
  value?: string;
  usePrevious: boolean;
}

/** The limits of a template: parameters, and the bytes of a value. */
const MAX_PARAMETERS = 200;
const MAX_VALUE_BYTES = 4_096;

const MEMBERS = [
  ...["Type", "Default", "NoEcho", "Description", "AllowedValues", "AllowedPattern"],
  ...["MinLength", "MaxLength", "MinValue", "MaxValue", "ConstraintDescription"],
];
const TYPES = ["String", "Number", "CommaDelimitedList", "List<Number>"];

/**
 * The values of a template's parameters: what is given, else what it was before if that is asked for, else the default.
 * Throws ValidationError.
 */
export function readParameters(
  { parameters }: Template,
  given: readonly GivenParameter[],
  previous: readonly ParameterRecord[],
): ParameterRecord[] {
  const names = Object.keys(parameters);
  if (names.length > MAX_PARAMETERS) throw invalid(`Template may not exceed ${MAX_PARAMETERS} parameters`);
  const unknown = given.map(({ key }) => key).filter((key) => !Object.hasOwn(parameters, key));
  if (unknown.length > 0) throw invalid(`Parameters: [${unknown.join(", ")}] do not exist in the template`);
  const values = names.map((key) => readParameter(key, parameters[key], given, previous));
  const missing = names.filter((_key, index) => values[index] === undefined);
  if (missing.length > 0) throw invalid(`Parameters: [${missing.join(", ")}] must have values`);
  return values.filter((one) => one !== undefined);
}

/** What Ref of a parameter gives: lists are split at their commas. */
export function referenceOf(type: unknown, value: string): string | string[] {
  const isList = type === "CommaDelimitedList" || type === "List<Number>";
  return isList ? value.split(",").map((item) => item.trim()) : value;
}

function readParameter(
  key: string,
  source: unknown,
  given: readonly GivenParameter[],
  previous: readonly ParameterRecord[],
): ParameterRecord | undefined {
  const declaration = membersOf(source, `Template format error: the parameter ${key}`);
  const { Type, Default, NoEcho } = declaration;
  const other = Object.keys(declaration).find((name) => !MEMBERS.includes(name));
  if (other !== undefined) throw invalid(`Invalid template parameter property '${other}'`);
  if (!TYPES.includes(String(Type))) throw notOffered(`The type ${String(Type)} of the parameter ${key}`);
  const wish = given.find((one) => one.key === key);
  const before = wish?.usePrevious ? previous.find((one) => one.key === key)?.value : undefined;
  const value = wish?.value ?? before ?? (Default === undefined ? undefined : String(Default));
  if (value === undefined) return undefined;
  checkValue(key, value, declaration);
  return { key, value, hidden: String(NoEcho) === "true" };
}

function checkValue(key: string, value: string, declaration: Readonly<Record<string, unknown>>): void {
  const { Type, AllowedValues, AllowedPattern, MinLength, MaxLength, ConstraintDescription } = declaration;
  const refuse = (why: string) =>
    invalid(
      typeof ConstraintDescription === "string"
        ? `Parameter ${key} failed to satisfy constraint: ${ConstraintDescription}`
        : `Parameter '${key}' ${why}`,
    );
  if (Buffer.byteLength(value) > MAX_VALUE_BYTES) throw refuse(`may not exceed ${MAX_VALUE_BYTES} bytes`);
  const items = [referenceOf(Type, value)].flat();
  const numbers = Type === "Number" || Type === "List<Number>";
  if (numbers && items.some((item) => item === "" || Number.isNaN(Number(item))))
    throw refuse("must be a number.");
  const { MinValue = Number.NEGATIVE_INFINITY, MaxValue = Number.POSITIVE_INFINITY } = declaration;
  if (numbers && items.some((item) => Number(item) < Number(MinValue)))
    throw refuse(`must be a number not less than ${MinValue}`);
  if (numbers && items.some((item) => Number(item) > Number(MaxValue)))
    throw refuse(`must be a number not greater than ${MaxValue}`);
  if (Array.isArray(AllowedValues) && !items.every((item) => AllowedValues.map(String).includes(item))) {
    throw refuse("must be one of AllowedValues");
  }
  if (typeof AllowedPattern === "string" && !pattern(AllowedPattern).test(value)) {
    throw refuse(`must match pattern ${AllowedPattern}`);
  }
  if (MinLength !== undefined && value.length < Number(MinLength)) {
    throw refuse(`must contain at least ${MinLength} characters`);
  }
  if (MaxLength !== undefined && value.length > Number(MaxLength)) {
    throw refuse(`must contain at most ${MaxLength} characters`);
  }
}

/** AWS wants the whole value to match. */
function pattern(source: string): RegExp {
  try {
    return new RegExp(`^(?:${source})$`, "s");
  } catch {
    throw invalid(`Template format error: the pattern ${source} is not a regular expression`);
  }
}
