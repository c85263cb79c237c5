// kubectl's template dialect, held against what kubectl printed.

import { describe, expect, it } from "vitest";
import { ExpectedError, SettingsError } from "../../src/base/errors.ts";
import { compileJsonPath, compileRelaxedPath, printJsonPath } from "../../src/output/jsonpath.ts";
import { jsonpathAnswers, podList } from "./kubectl-answers.ts";

const print = (template: string, value: unknown): string => printJsonPath(compileJsonPath(template), value);

function thrownBy(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe("printJsonPath", () => {
  it.each(jsonpathAnswers)("prints what kubectl prints for %s", (template, answer) => {
    expect(print(template, podList)).toBe(answer);
  });

  // The answers are kubectl's too, for this object.
  const edges = {
    z: null,
    f: 1.5,
    big: 12_345_678_901_234,
    exp: 1e21,
    t: true,
    e: {},
    l: [],
    s: "",
    nested: { b: [1, "x", null, 2.5, { k: "v" }], a: null },
  };
  it.each([
    ["{.z}", "null"],
    ["{.f} {.big} {.exp} {.t} {.e} {.l} {.s}", "1.5 12345678901234 1e+21 true {} [] "],
    ["{.nested}", '{"a":null,"b":[1,"x",null,2.5,{"k":"v"}]}'],
    ["{.nested.b[*]}", '1 x null 2.5 {"k":"v"}'],
    ["{.z.x}{.z[0]}{.l[*]}", ""],
    ["{.nested.b[?(@.k)]}", '{"k":"v"}'],
    ["{..k}", "v"],
  ])("prints %s of unusual values as kubectl does", (template, answer) => {
    expect(print(template, edges)).toBe(answer);
  });

  it("gives an object's values in the order of its keys, where kubectl gives them in any", () => {
    expect(print("{.nested.*}", edges)).toBe('null [1,"x",null,2.5,{"k":"v"}]');
  });

  it.each([
    ['{["app.kubernetes.io/name"]}', "a key in double quotes as it stands", "web"],
    ["{.list[?(@.n>1.5)].name}", "whole numbers against broken ones", "two"],
    ['{.list[?(@.on[?(@.type=="Ready")].status=="True")].name}', "a filter within a filter", "two"],
    ["{.list[?(@.none==1)].name}", "null as something missing", ""],
    ['{"end\\\\"}', "a backslash before the closing quote", "end\\"],
    ['{.list[?(@.name=="one")]["name"]}', "a quoted key after a filter", "one"],
  ])("reads %s: %s, which kubectl does not", (template, _, answer) => {
    const value = {
      "app.kubernetes.io/name": "web",
      list: [
        { name: "one", n: 1, none: null, on: [{ type: "Ready", status: "False" }] },
        { name: "two", n: 2, none: null, on: [{ type: "Ready", status: "True" }] },
      ],
    };
    expect(print(template, value)).toBe(answer);
  });

  // kubectl fails on each of them as well.
  it.each([
    ["{.items[5].metadata.name}", "index 5 is outside an array of 3"],
    ["{.items[-4].metadata.name}", "index -1 is outside an array of 3"],
    ["{.items[0:9].metadata.name}", "index 8 is outside an array of 3"],
    ["{.items[2:1].metadata.name}", "the slice begins at 2, after its end at 1"],
    ["{.items[0:2:0].metadata.name}", "the step of a slice must be greater than 0"],
    ["{.metadata[0]}", "an object is not an array"],
    ["{.kind[*]}", "text is not an array"],
    ["{.items[*].metadata[?(@.name)]}", "an object is not an array"],
    ['{.items[?(@.spec.terminationGracePeriodSeconds>"10")]}', "a number cannot be compared with text"],
    ['{.items[?(@.spec.containers[*].name=="flow")]}', "a filter compares one value with one, not several"],
  ])("fails on %s with the cause", (template, cause) => {
    const error = thrownBy(() => print(template, podList));
    expect(error).toBeInstanceOf(ExpectedError);
    expect(error).toMatchObject({ message: `cannot apply jsonpath "${template}": ${cause}`, exitCode: 1 });
  });

  it("leaves out fields that are undefined, as JSON would", () => {
    expect(print("{.a}{.*}", { a: undefined, b: 1 })).toBe("1");
  });
});

describe("compileJsonPath", () => {
  it.each([
    ["{.items[*", "the bracket is not closed (character 8)", undefined],
    ["{.items[abc]}", '"abc" is not an index (character 8)', "quote a key: ['abc']"],
    ["{.items[]}", '"" is not an index (character 8)', undefined],
    ["{.items[0,]}", '"" is not an index (character 8)', undefined],
    ["{kind}", 'unknown word "kind" (character 2)', "a field begins with a dot: .kind"],
    ["{end}", "there is no range to end (character 1)", undefined],
    ["{range .a[*]}{end}{end}", "there is no range to end (character 19)", undefined],
    ["{.name", "the action that begins here is not closed (character 1)", undefined],
    ["ok {.a} {.b", "the action that begins here is not closed (character 9)", undefined],
    ['{"open}', "the quote is not closed (character 2)", undefined],
    ["{.a['b}c']}", '"b}c" is not a key (character 4)', undefined],
    ["{.a['b]}", "the quote is not closed (character 4)", undefined],
    ['{"bad \\q"}', "the quoted text has an unknown escape (character 2)", undefined],
    ["{.a....b}", '".." stands twice in a row (character 6)', undefined],
    ["{#}", 'unexpected character "#" (character 2)', undefined],
    ["{1.2.3}", '"1.2.3" is not a number (character 2)', undefined],
    ['{.a[?(@.b=="c"', "the filter is not closed (character 4)", undefined],
    ['{.a[?(@.b=="c"]}', 'unexpected character "]" (character 15)', undefined],
    ["{.a[?(@.b==)]}", "nothing to compare with (character 4)", undefined],
    ['{.a[?(@.b=~"c")]}', "kubectl's dialect has no regular expressions (character 10)", undefined],
    [
      '{.a[?(@.b=="c" && @.d=="e")]}',
      'unexpected character "&" (character 16)',
      "filter twice for a second condition; there is no && or ||",
    ],
  ])("refuses %s and says where", (template, cause, hint) => {
    const error = thrownBy(() => compileJsonPath(template));
    expect(error).toBeInstanceOf(SettingsError);
    expect(error).toMatchObject({ message: `cannot read jsonpath "${template}": ${cause}`, hint });
  });
});

describe("compileRelaxedPath", () => {
  it.each(["metadata.name", ".metadata.name", "{metadata.name}", "{.metadata.name}"])(
    "reads %s as one path",
    (text) => {
      expect(compileRelaxedPath(text)?.source).toBe("{.metadata.name}");
    },
  );

  it.each(["", "{.a}{.b}", ".a.{b}", "{}"])("does not take %j for a path", (text) => {
    expect(compileRelaxedPath(text)).toBeUndefined();
  });
});
