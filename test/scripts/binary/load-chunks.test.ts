import { describe, expect, it } from "vitest";
import { chunkLoader, compileChunk } from "../../../scripts/binary/load-chunks.ts";

function loaderOf(chunks: Readonly<Record<string, string>>) {
  const compiled: string[] = [];
  const load = chunkLoader({
    read: (name) => (chunks[name] === undefined ? undefined : { source: chunks[name] }),
    onCompiled: (name) => void compiled.push(name),
  });
  return { load, compiled };
}

describe("chunkLoader", () => {
  it("compiles a chunk once, when it is first required", () => {
    const { load, compiled } = loaderOf({
      "./main.js": "exports.later = () => require('./lazy.js').answer",
      "./lazy.js": "exports.answer = 42",
    });
    const main = load("./main.js") as { later: () => number };
    expect(compiled).toEqual(["./main.js"]);
    expect([main.later(), main.later()]).toEqual([42, 42]);
    expect(compiled).toEqual(["./main.js", "./lazy.js"]);
  });

  it("lets chunks that require each other see the exports so far", () => {
    const { load } = loaderOf({
      "./a.js": "exports.name = 'a'; exports.seen = require('./b.js').seen",
      "./b.js": "exports.seen = require('./a.js').name",
    });
    expect(load("./a.js")).toEqual({ name: "a", seen: "a" });
  });

  it("returns a chunk's replaced module.exports", () => {
    const { load } = loaderOf({ "./a.js": "module.exports = 'all of it'" });
    expect(load("./a.js")).toBe("all of it");
  });

  it("returns Node's modules, with and without node:", () => {
    const { load } = loaderOf({ "./a.js": "exports.same = require('fs') === require('node:fs')" });
    expect(load("./a.js")).toEqual({ same: true });
  });

  it("throws MODULE_NOT_FOUND for other modules, which packages expect of optional ones", () => {
    const { load } = loaderOf({
      "./a.js": "try { require('bufferutil') } catch (error) { exports.code = error.code }",
    });
    expect(load("./a.js")).toEqual({ code: "MODULE_NOT_FOUND" });
  });

  it("uses the executable's path as __filename and import.meta.url", () => {
    const { load } = loaderOf({ "./a.js": "module.exports = [__filename, importMetaUrl.slice(0, 8)]" });
    expect(load("./a.js")).toEqual([process.execPath, "file:///"]);
  });
});

describe("compileChunk", () => {
  const source = "exports.a = 1";

  it("accepts the code cache of the same source", () => {
    const codeCache = new Uint8Array(compileChunk("./a.js", { source }).createCachedData());
    expect(compileChunk("./a.js", { source, codeCache }).cachedDataRejected).toBe(false);
  });

  it("compiles the source if V8 rejects the cache", () => {
    // A new source: V8 ignores the cache for a source that it has compiled before.
    const other = { source: "exports.other = 1", codeCache: new Uint8Array(64) };
    const script = compileChunk("./a.js", other);
    expect(script.cachedDataRejected).toBe(true);
    expect(script.runInThisContext()).toBeTypeOf("function");
  });
});
