import { describe, expect, it } from "vitest";
import { jsonPatch, mergePatch } from "../patches.ts";

describe("mergePatch", () => {
  // The examples of RFC 7386, appendix A, that patch objects.
  it.each([
    [{ a: "b" }, { a: "c" }, { a: "c" }],
    [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
    [{ a: "b" }, { a: null }, {}],
    [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
    [{ a: ["b"] }, { a: "c" }, { a: "c" }],
    [{ a: "c" }, { a: ["b"] }, { a: ["b"] }],
    [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
    [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])("merges %j with %j", (target, patch, result) => {
    const before = structuredClone(target);
    expect(mergePatch(target, patch)).toEqual(result);
    expect(target).toEqual(before);
  });
});

describe("jsonPatch", () => {
  const document = { a: { b: ["x", "y"] }, "c/d": 1 };

  it.each([
    [[{ op: "add", path: "/a/e", value: 2 }], { a: { b: ["x", "y"], e: 2 }, "c/d": 1 }],
    [[{ op: "add", path: "/a/b/0", value: "w" }], { a: { b: ["w", "x", "y"] }, "c/d": 1 }],
    [[{ op: "add", path: "/a/b/-", value: "z" }], { a: { b: ["x", "y", "z"] }, "c/d": 1 }],
    [[{ op: "remove", path: "/c~1d" }], { a: { b: ["x", "y"] } }],
    [[{ op: "remove", path: "/a/b/1" }], { a: { b: ["x"] }, "c/d": 1 }],
    [[{ op: "replace", path: "/a/b/1", value: "z" }], { a: { b: ["x", "z"] }, "c/d": 1 }],
    [[{ op: "move", from: "/a/b", path: "/f" }], { a: {}, f: ["x", "y"], "c/d": 1 }],
    [[{ op: "copy", from: "/c~1d", path: "/g" }], { a: { b: ["x", "y"] }, "c/d": 1, g: 1 }],
    [[{ op: "test", path: "/a/b/0", value: "x" }], document],
  ])("applies %j", (operations, result) => {
    expect(jsonPatch(document, operations)).toEqual({ document: result });
  });

  it.each([
    [[{ op: "test", path: "/c~1d", value: 2 }]],
    [[{ op: "remove", path: "/none" }]],
    [[{ op: "replace", path: "/a/none", value: 1 }]],
    [[{ op: "add", path: "/none/deeper", value: 1 }]],
    [[{ op: "dance", path: "/a" }]],
  ])("refuses %j", (operations) => {
    expect(jsonPatch(document, operations)).toMatchObject({ refusal: expect.any(String) });
  });
});
