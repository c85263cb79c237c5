// Manifests as text.

import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { renderManifests } from "../../src/install/manifests.ts";
import { documentsIn, manifests } from "./support/manifests.ts";

describe("renderManifests", () => {
  it("puts --- before each document of the YAML stream", () => {
    expect(renderManifests([{ kind: "A" }, { kind: "B" }], "yaml")).toBe("---\nkind: A\n---\nkind: B\n");
  });

  it("makes one List of the documents in JSON", () => {
    expect(JSON.parse(renderManifests([{ kind: "A" }, { kind: "B" }], "json"))).toEqual({
      apiVersion: "v1",
      kind: "List",
      items: [{ kind: "A" }, { kind: "B" }],
    });
  });

  it("has the same content in YAML and in JSON", () => {
    const docs = manifests({ rbac: "minimal", key: "KEY", resourceManager: true });
    expect(documentsIn(renderManifests(docs, "yaml"))).toEqual(
      (JSON.parse(renderManifests(docs, "json")) as { items: unknown }).items,
    );
  });

  it.each([
    "yes",
    "n",
    "on",
    "012",
    "1:30",
    "1_000",
    "0x1f",
    "1e3",
    "~",
    "null",
    "",
    "=",
    "2001-01-01",
    "a: b",
    "#x",
    "- x",
  ])("keeps %j a string, also in YAML 1.1", (text) => {
    const printed = renderManifests([{ value: text }], "yaml").replace("---\n", "");
    expect(parse(printed, { version: "1.1" })).toEqual({ value: text });
    expect(parse(printed)).toEqual({ value: text });
  });

  it.each(["a\r\nb", "\ufeffkind: Job\n", "a\u007fb\u0085c\u2028d", "é😀\n", "\n a \n", "\t", "a\n\n\n"])(
    "writes %j so that it is read unchanged",
    (text) => {
      const printed = renderManifests([{ value: text }], "yaml").replace("---\n", "");
      expect(parse(printed)).toEqual({ value: text });
      expect(printed).not.toMatch(/[\r\u007f-\u009f\u2028\ufeff]/);
    },
  );

  it("neither folds long text nor refers to repeated objects by alias", () => {
    const long = "word ".repeat(100).trim();
    const shared = { a: "b" };
    expect(renderManifests([{ long, one: shared, two: shared }], "yaml")).toBe(
      `---\nlong: ${long}\none:\n  a: b\ntwo:\n  a: b\n`,
    );
  });
});
