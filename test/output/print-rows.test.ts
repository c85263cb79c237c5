import { describe, expect, it } from "vitest";
import type { ListFormat } from "../../src/output/formats.ts";
import { printRows, rowPrinter } from "../../src/output/print-rows.ts";
import type { PrintOptions } from "../../src/output/print-rows.ts";

interface Row {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
}

function options(format: ListFormat, more: Partial<PrintOptions<Row>> = {}): PrintOptions<Row> {
  return {
    format,
    columns: [
      { header: "NAME", value: (row) => row.name },
      { header: "KIND", value: () => "Job", wide: true },
    ],
    toObject: (row) => ({
      kind: "Job",
      apiVersion: "batch/v1",
      metadata: { name: row.name, labels: row.labels },
    }),
    name: (row) => `job.batch/${row.name}`,
    ...more,
  };
}

function printed(rows: readonly Row[], format: ListFormat, more?: Partial<PrintOptions<Row>>): string {
  let text = "";
  printRows(rows, options(format, more), (piece) => (text += piece));
  return text;
}

function pages(format: ListFormat, ...all: readonly (readonly Row[])[]): string {
  let text = "";
  const print = rowPrinter(options(format), (piece) => (text += piece));
  for (const page of all) print(page);
  return text;
}

const a: Row = { name: "a", labels: { note: "<b> & c" } };
const b: Row = { name: "b" };

describe("printRows", () => {
  it.each<[ListFormat, string]>([
    ["table", "NAME\na\nb\n"],
    ["wide", "NAME   KIND\na      Job\nb      Job\n"],
    ["name", "job.batch/a\njob.batch/b\n"],
  ])("prints rows as %s", (format, text) => {
    expect(printed([a, b], format)).toBe(text);
  });

  it("prints a List in json as kubectl does, with the keys of an object in their order", () => {
    expect(printed([a], "json")).toBe(
      [
        "{",
        '    "apiVersion": "v1",',
        '    "items": [',
        "        {",
        '            "kind": "Job",',
        '            "apiVersion": "batch/v1",',
        '            "metadata": {',
        '                "name": "a",',
        '                "labels": {',
        '                    "note": "<b> & c"',
        "                }",
        "            }",
        "        }",
        "    ],",
        '    "kind": "List",',
        '    "metadata": {',
        '        "resourceVersion": ""',
        "    }",
        "}",
        "",
      ].join("\n"),
    );
  });

  it("prints a List in yaml as kubectl does", () => {
    expect(printed([b], "yaml")).toBe(
      "apiVersion: v1\nitems:\n- kind: Job\n  apiVersion: batch/v1\n  metadata:\n    name: b\n" +
        'kind: List\nmetadata:\n  resourceVersion: ""\n',
    );
  });

  it.each<[ListFormat, string]>([
    ["table", ""],
    ["name", ""],
    ["yaml", 'apiVersion: v1\nitems: []\nkind: List\nmetadata:\n  resourceVersion: ""\n'],
  ])("prints no rows as %s", (format, text) => {
    expect(printed([], format)).toBe(text);
  });

  it("prints no header with noHeaders", () => {
    expect(printed([a], "table", { noHeaders: true })).toBe("a\n");
  });
});

describe("rowPrinter", () => {
  it.each<[ListFormat, string]>([
    ["table", "NAME\na\nb\n"],
    ["name", "job.batch/a\njob.batch/b\n"],
  ])("prints pages of %s with one header", (format, text) => {
    expect(pages(format, [], [a], [b])).toBe(text);
  });

  it("prints single objects with json and yaml", () => {
    expect(pages("json", [b], [b]).match(/"kind": "Job"/g)).toHaveLength(2);
    expect(pages("json", [b])).not.toContain("List");
    expect(pages("yaml", [b], [b]).split("---\n")).toEqual(
      Array(2).fill("kind: Job\napiVersion: batch/v1\nmetadata:\n  name: b\n"),
    );
  });
});
