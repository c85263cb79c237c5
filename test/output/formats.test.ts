import { describe, expect, it } from "vitest";
import { SettingsError } from "../../src/base/errors.ts";
import { parseOutputFormat } from "../../src/output/formats.ts";

function readText(path: string): string {
  if (path === "names.txt") return '{range .items[*]}{.metadata.name}{"\\n"}{end}';
  if (path === "columns.txt") return "NAME KIND\n.metadata.name .kind\n";
  if (path === "folder") throw new SettingsError('cannot read "folder": it is a directory');
  throw new Error("no such file");
}

const parse = (text: string | undefined): unknown => parseOutputFormat(text, readText);

describe("parseOutputFormat", () => {
  it.each([
    [undefined, "table"],
    ["", "table"],
    ["table", "table"],
    ["wide", "wide"],
    ["json", "json"],
    ["JSON", "json"],
    ["yaml", "yaml"],
    ["name", "name"],
  ])("reads %j as %s", (text, kind) => {
    expect(parse(text)).toEqual({ kind });
  });

  it.each([
    ["jsonpath={.kind}", "{.kind}"],
    ['jsonpath={.items[?(@.a=="b")]}', '{.items[?(@.a=="b")]}'],
    ["jsonpath-file=names.txt", readText("names.txt")],
  ])("compiles the template of %s", (text, source) => {
    expect(parse(text)).toMatchObject({ kind: "jsonpath", template: { source } });
  });

  it.each([
    ["custom-columns=NAME:.metadata.name,KIND:.kind", ["NAME", "KIND"]],
    ["custom-columns-file=columns.txt", ["NAME", "KIND"]],
  ])("reads the columns of %s", (text, headers) => {
    expect(parse(text)).toMatchObject({
      kind: "custom-columns",
      columns: headers.map((header) => ({ header })),
    });
  });

  it.each([
    ["bogus", 'cannot read -o "bogus": unknown output format', "use table, wide, json"],
    ["=x", 'cannot read -o "=x": unknown output format', "use table"],
    ["json=x", 'cannot read -o "json=x": json takes no argument', "write -o json"],
    ["jsonpath", 'cannot read -o "jsonpath": nothing follows it', "-o jsonpath='{.items[*].metadata.name}'"],
    [
      "jsonpath=",
      'cannot read -o "jsonpath=": nothing follows it',
      "-o jsonpath='{.items[*].metadata.name}'",
    ],
    ["custom-columns", 'cannot read -o "custom-columns": nothing follows it', "NAME:.metadata.name"],
    ["jsonpath-file=", 'cannot read -o "jsonpath-file=": nothing follows it', "-o jsonpath-file=FILE"],
    ["jsonpath-file=gone", 'cannot read the template "gone": no such file', "a readable file"],
    ["custom-columns-file=gone", 'cannot read the template "gone": no such file', "a readable file"],
    ["go-template={{.x}}", "Go templates are not supported", "use -o jsonpath=… or -o custom-columns=…"],
    ["templatefile=x", "Go templates are not supported", "use -o jsonpath=… or -o custom-columns=…"],
  ])("refuses %s with a hint", (text, message, hint) => {
    expect(() => parse(text)).toThrow(SettingsError);
    expect(() => parse(text)).toThrow(
      expect.objectContaining({
        message: expect.stringContaining(message),
        hint: expect.stringContaining(hint),
      }),
    );
  });

  it("says once what cannot be read", () => {
    expect(() => parse("jsonpath-file=folder")).toThrow(/^cannot read "folder": it is a directory$/);
  });

  it("refuses a template that cannot be read, before anything is asked of a server", () => {
    expect(() => parse("jsonpath={.a")).toThrow("the action that begins here is not closed (character 1)");
  });
});
