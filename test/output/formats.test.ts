import { describe, expect, it } from "vitest";
import { SettingsError } from "../../src/base/errors.ts";
import { LIST_FORMATS, parseOutputFormat } from "../../src/output/formats.ts";

const parse = (text: string | undefined): string => parseOutputFormat(text, LIST_FORMATS);

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
  ])("reads %j as %s", (text, format) => {
    expect(parse(text)).toBe(format);
  });

  it.each([
    ["bogus", 'cannot read -o "bogus": unknown output format', "use -o table, wide, json, yaml or name"],
    ["=x", 'cannot read -o "=x": unknown output format', "use -o table"],
    ["json=x", 'cannot read -o "json=x": unknown output format', "use -o table"],
    ["jsonpath={.kind}", "templates are not supported", "use -o json and jq"],
    ["jsonpath-file=names.txt", "templates are not supported", "use -o json and jq"],
    ["custom-columns=N:.metadata.name", "templates are not supported", "use -o json and jq"],
    ["go-template={{.x}}", "templates are not supported", "kubectl get jobs -l prefect.io/flow_run_id"],
  ])("rejects %s with a hint", (text, message, hint) => {
    expect(() => parse(text)).toThrow(SettingsError);
    expect(() => parse(text)).toThrow(
      expect.objectContaining({
        message: expect.stringContaining(message),
        hint: expect.stringContaining(hint),
      }),
    );
  });

  it("defaults to the command's first format, and rejects other commands' formats", () => {
    expect(parseOutputFormat(undefined, ["tree", "json", "yaml"])).toBe("tree");
    expect(() => parseOutputFormat("wide", ["yaml", "json"])).toThrow(
      expect.objectContaining({ hint: "use -o yaml or json" }),
    );
  });
});
