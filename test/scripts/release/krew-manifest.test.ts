import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { readPlugin } from "../../../scripts/krew/plugin.ts";
import { manifestProblems } from "../../../scripts/krew/rules.ts";
import { projectPath } from "../../../scripts/project.ts";
import { fillManifest } from "../../../scripts/release/krew-manifest.ts";
import { archiveName, targets } from "../../../scripts/release/targets.ts";

const sums = new Map(
  targets.map((target, index) => [`${target.os}_${target.arch}`, String(index).repeat(64)]),
);
const template = readFileSync(projectPath("krew-manifest.yaml"), "utf8");

describe("fillManifest", () => {
  it("fills the project's template so that krew accepts it", () => {
    const plugin = readPlugin(parse(fillManifest(template, { version: "1.2.3", sums })));
    expect(manifestProblems(plugin, "prefect")).toEqual([]);
    expect(plugin.version).toBe("v1.2.3");
    expect(plugin.platforms.map((platform) => platform.sha256[0])).toEqual(["0", "1", "2", "3", "4"]);
  });

  it("uses the release's archive names and executables", () => {
    const plugin = readPlugin(parse(fillManifest(template, { version: "1.2.3", sums })));
    const named = plugin.platforms.map((platform) => [platform.uri.split("/").at(-1), platform.bin]);
    expect(named).toEqual(targets.map((target) => [archiveName(target, "1.2.3"), target.bin]));
  });

  it("removes the template's comments", () => {
    expect(fillManifest("# comment\nversion: VERSION\n", { version: "1.0.0", sums: new Map() })).toBe(
      "version: v1.0.0\n",
    );
  });

  it("rejects a platform without an archive", () => {
    expect(() => fillManifest("sha256: SHA256_LINUX_ARM64", { version: "1.0.0", sums: new Map() })).toThrow(
      'cannot fill "SHA256_LINUX_ARM64": no archive was made for it',
    );
  });

  it("rejects an archive without a platform in the template", () => {
    const one = new Map([["plan9_amd64", "0".repeat(64)]]);
    expect(() => fillManifest("version: VERSION", { version: "1.0.0", sums: one })).toThrow(
      'it has no place for "plan9_amd64"',
    );
  });
});
