import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { bundle, packageFolders } from "../../../scripts/binary/bundle.ts";
import { chunkLoader } from "../../../scripts/binary/load-chunks.ts";
import { formatNotices } from "../../../scripts/binary/notices.ts";
import { projectPath, readProject } from "../../../scripts/project.ts";
import { seaConfig } from "../../../scripts/binary/sea.ts";

describe("bundle", () => {
  let folder = "";
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "bundle-"));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  it("makes a chunk of a dynamic import, which is loaded when it is imported", async () => {
    await writeFile(join(folder, "lazy.ts"), 'export const text: string = "ä später";');
    await writeFile(
      join(folder, "main.ts"),
      'export const later = async () => (await import("./lazy.ts")).text;',
    );
    const { chunks } = await bundle(join(folder, "main.ts"));
    const compiled: string[] = [];
    const load = chunkLoader({
      read: (name) => (chunks.has(name) ? { source: chunks.get(name) ?? "" } : undefined),
      onCompiled: (name) => void compiled.push(name),
    });
    const main = load("./main.js") as { later: () => Promise<string> };
    expect(compiled.some((name) => name.startsWith("./lazy-"))).toBe(false);
    await expect(main.later()).resolves.toBe("ä später");
    expect(compiled.some((name) => name.startsWith("./lazy-"))).toBe(true);
  });

  it("writes ASCII, so that the executable can read it as Latin-1", async () => {
    await writeFile(
      join(folder, "main.ts"),
      'export const text = "…ä日".replace(/…|[😀]/u, "-") + `ü` + "a😀".replace(/[😀]/u, "-");',
    );
    const { chunks } = await bundle(join(folder, "main.ts"));
    const text = [...chunks.values()].join("");
    expect(Buffer.byteLength(text)).toBe(text.length);
    const read = (name: string) => ({ source: Buffer.from(chunks.get(name) ?? "").toString("latin1") });
    expect(chunkLoader({ read })("./main.js")).toMatchObject({ text: "-ä日üa-" });
  });

  it("includes only the version of package.json", async () => {
    const { chunks } = await bundle(projectPath("src/version.ts"));
    const text = [...chunks.values()].join("");
    expect(text).toContain((await readProject()).version);
    expect(text).not.toContain("devDependencies");
  });

  it("keeps class names, because errors print them", async () => {
    await writeFile(join(folder, "main.ts"), "export class PrefectError extends Error {}");
    const { chunks } = await bundle(join(folder, "main.ts"));
    const load = chunkLoader({ read: (name) => ({ source: chunks.get(name) ?? "" }) });
    const main = load("./main.js") as { PrefectError: { name: string } };
    expect(main.PrefectError.name).toBe("PrefectError");
  });
});

describe("packageFolders", () => {
  it("returns each package once, scoped and nested ones too, and no source of ours", () => {
    const inputs = [
      "src/main.ts",
      "node_modules/yaml/dist/index.js",
      "node_modules/yaml/dist/parse.js",
      "node_modules/@kubernetes/client-node/dist/index.js",
      "node_modules/a/node_modules/b/index.js",
    ];
    expect(packageFolders(inputs)).toEqual([
      "node_modules/@kubernetes/client-node",
      "node_modules/a/node_modules/b",
      "node_modules/yaml",
    ]);
  });
});

describe("formatNotices", () => {
  it("prints each licence text once, below the packages that have it", () => {
    const one = {
      folder: "node_modules/yaml",
      name: "yaml",
      version: "2.9.1",
      license: "ISC",
      text: "Permission to use…",
    };
    const text = formatNotices([one, one, { ...one, version: "1.0.0" }, { ...one, name: "ws", text: "MIT" }]);
    expect(text.match(/^\w+ [\d.]+ .*$/gmu)).toEqual([
      "yaml 2.9.1 (ISC)",
      "yaml 1.0.0 (ISC)",
      "ws 2.9.1 (ISC)",
    ]);
    expect(text.match(/Permission to use…/g)).toHaveLength(1);
    expect(text).toContain("Node.js");
  });
});

describe("seaConfig", () => {
  it("ignores the user's NODE_OPTIONS and contains no absolute path", () => {
    const config = seaConfig(["./main.js"]);
    expect(config).toMatchObject({ execArgvExtension: "none", main: "boot.cjs", executable: "node.bin" });
    expect(config["assets"]).toEqual({ "./main.js": "./main.js" });
  });
});
