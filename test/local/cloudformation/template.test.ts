import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { readParameters } from "../../../local/cloudformation/parameters.ts";
import { makePlan } from "../../../local/cloudformation/plan.ts";
import { roleType } from "../../../local/cloudformation/role.ts";
import { parseTemplate } from "../../../local/cloudformation/template.ts";
import { CLUSTER } from "./stacks.ts";

const types = { "AWS::IAM::Role": roleType("000000000000") };
const pseudo = { "AWS::Region": "us-east-1", "AWS::StackName": "here" };

/** In: a template whose resources are roles. Out: what it means. */
function plan(body: string, given: Record<string, string> = {}) {
  const template = parseTemplate(body);
  const wishes = Object.entries(given).map(([key, value]) => ({ key, value, usePrevious: false }));
  return makePlan({ template, parameters: readParameters(template, wishes, []), pseudo, types });
}

/** What a function gives, as the value of an output beside the role `R`. */
function resultOf(text: string, given: Record<string, string> = {}): unknown {
  const parameters =
    "Parameters: { P: { Type: String, Default: p }, L: { Type: CommaDelimitedList, Default: 'a, b' } }";
  const conditions = "Conditions: { Yes: !Equals [!Ref P, p], No: !Not [{ Condition: Yes }] }";
  const resources = "Resources: { R: { Type: AWS::IAM::Role } }";
  return plan([parameters, conditions, resources, `Outputs: { O: { Value: ${text} } }`].join("\n"), given)
    .outputs[0]?.value;
}

describe("a function", () => {
  it.each([
    ["!Ref P", "p"],
    ["!Ref AWS::Region", "us-east-1"],
    ["!Ref L", ["a", "b"]],
    [`!Sub '\${P} in \${AWS::Region}, \${!P} stays'`, `p in us-east-1, \${P} stays`],
    [`!Sub ['\${V}-\${P}', { V: !Ref P }]`, "p-p"],
    ["!Join ['-', [a, !Ref P]]", "a-p"],
    ["!Select [1, !Ref L]", "b"],
    ["!Split ['.', a.b]", ["a", "b"]],
    ["!If [Yes, 1, 2]", 1],
    ["!If [No, 1, 2]", 2],
    ["{ a: !If [No, 1, !Ref AWS::NoValue], b: 2 }", { b: 2 }],
    ["[!Ref AWS::NoValue, b]", ["b"]],
    ["!Ref R", { Ref: "R" }],
    ["!GetAtt R.Arn", { "Fn::GetAtt": ["R", "Arn"] }],
    ["!GetAtt [R, Arn]", { "Fn::GetAtt": ["R", "Arn"] }],
    [`!Sub 'x \${R.Arn}'`, { "Fn::Join": ["", ["x ", { "Fn::GetAtt": ["R", "Arn"] }, ""]] }],
  ])("%s gives %j", (text, value) => {
    expect(resultOf(text)).toEqual(value);
  });

  it("means the same in YAML's short form, in its long form and in JSON", () => {
    const long = CLUSTER.replace("!Ref Protected", "{ Ref: Protected }")
      .replace(/!Sub ("[^"]*")/, '{ "Fn::Sub": $1 }')
      .replace("!Ref Cluster", "{ Ref: Cluster }")
      .replace("!GetAtt Cluster.Endpoint", '{ "Fn::GetAtt": [Cluster, Endpoint] }');
    expect(parseTemplate(long)).toEqual(parseTemplate(CLUSTER));
    expect(parseTemplate(JSON.stringify(parse(long)))).toEqual(parseTemplate(CLUSTER));
  });
});

it("resources come after those they need", () => {
  const { resources } = plan(
    "Resources: { A: { Type: AWS::IAM::Role, DependsOn: B }, B: { Type: AWS::IAM::Role, Properties: { Description: !Ref C } }, C: { Type: AWS::IAM::Role } }",
  );
  expect(resources.map(({ logicalId }) => logicalId)).toEqual(["C", "B", "A"]);
});

describe("a template is refused, and told why:", () => {
  const role = "Resources: { R: { Type: AWS::IAM::Role";
  it.each([
    ["YAML that is cut off", "Resources: { R: ", /YAML not well-formed. \(line \d+, column \d+\)/],
    ["JSON that is cut off", '{ "Resources": ', /JSON not well-formed/],
    ["no resources", "Resources: {}", /At least one Resources member/],
    ["a section that does nothing here", `Transform: X\n${role} } }`, /section Transform is not offered/],
    [
      "an unknown type",
      "Resources: { R: { Type: AWS::S3::Bucket } }",
      /Unrecognized resource types: \[AWS::S3::Bucket\]/,
    ],
    ["a resource without a type", "Resources: { R: {} }", /must contain a Type member/],
    ["a name with a hyphen", "Resources: { a-b: { Type: AWS::IAM::Role } }", /a-b is non alphanumeric/],
    ["a reference to nothing", `${role}, Properties: { D: !Ref X } } }`, /dependencies \[X\]/],
    [
      "an attribute that is none",
      `${role} } }\nOutputs: { O: { Value: !GetAtt R.Nothing } }`,
      /attribute type Nothing/,
    ],
    [
      "a circle of resources",
      `${role}, DependsOn: S }, S: { Type: AWS::IAM::Role, DependsOn: R } }`,
      /Circular dependency .*\[R, S\]/,
    ],
    ["tags that are none", `${role}, Properties: { Tags: [null] } } }`, /Tags of R must be a list/],
    ["a circle of conditions", `Conditions: { A: !Not [!Condition A] }\n${role} } }`, /depends on itself/],
    ["a function that is not offered", `${role}, Properties: { D: !Sub [x] } } }`, /Fn::Sub/],
    [
      "a long function that is not offered",
      `${role}, Properties: { D: { "Fn::ImportValue": x } } } }`,
      /Fn::ImportValue is not offered/,
    ],
    ["more bytes than AWS takes", `#${"x".repeat(51_200)}`, /less than or equal to 51200/],
    [
      "nesting without an end",
      `${role}, Properties: { D: ${"[".repeat(60)}${"]".repeat(60)} } } }`,
      /nested too deeply/,
    ],
  ])("%s", (_what, body, message) => {
    expect(() => plan(body)).toThrow(message);
  });
});

it("a parameter at its bounds is taken", () => {
  const body = (rest: string) => `Parameters: { P: { ${rest} } }\nResources: { R: { Type: AWS::IAM::Role } }`;
  const bounds = "MinValue: 1, MaxValue: 3";
  for (const P of ["1", "3"]) expect(plan(body(`Type: Number, ${bounds}`), { P }).resources).toHaveLength(1);
  expect(plan(body(`Type: List<Number>, ${bounds}`), { P: "1, 2,3" }).resources).toHaveLength(1);
});

describe("a parameter is refused, and told why:", () => {
  const body = (rest: string) => `Parameters: { P: { ${rest} } }\nResources: { R: { Type: AWS::IAM::Role } }`;
  it.each([
    ["no value", body("Type: String"), {}, "Parameters: [P] must have values"],
    [
      "a name that the template does not have",
      body("Type: String, Default: x"),
      { Q: "1" },
      "Parameters: [Q] do not exist in the template",
    ],
    [
      "a value that is not allowed",
      body("Type: String, AllowedValues: [a]"),
      { P: "b" },
      "Parameter 'P' must be one of AllowedValues",
    ],
    [
      "a value of another pattern",
      body("Type: String, AllowedPattern: '[a-z]'"),
      { P: "ab" },
      "Parameter 'P' must match pattern [a-z]",
    ],
    ["a value too short", body("Type: String, MinLength: 2"), { P: "a" }, "at least 2"],
    ["a value too long", body("Type: String, MaxLength: 2"), { P: "abc" }, "at most 2"],
    ["a text for a number", body("Type: Number"), { P: "x" }, "must be a number"],
    ["a number too small", body("Type: Number, MinValue: 2"), { P: "1" }, "not less than 2"],
    ["one of numbers too large", body("Type: List<Number>, MaxValue: 2"), { P: "1,3" }, "not greater than 2"],
    ["a default too small", body("Type: Number, MinValue: 2, Default: 1"), {}, "not less than 2"],
    ["a member that is none", body("Type: String, MinSize: 2"), { P: "x" }, "property 'MinSize'"],
    ["a type that is not offered", body("Type: AWS::EC2::VPC::Id"), { P: "x" }, "is not offered"],
    [
      "the author's own words",
      body("Type: String, AllowedValues: [a], ConstraintDescription: only a"),
      { P: "b" },
      "constraint: only a",
    ],
  ])("%s", (_what, text, given, message) => {
    expect(() => plan(text, given as Record<string, string>)).toThrow(message);
  });
});
