import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { projectPath } from "../../../scripts/project.ts";
import { fillManifest } from "../../../scripts/release/checksums.ts";
import { archiveName, executableName, targets } from "../../../scripts/release/targets.ts";

describe("fillManifest", () => {
  it("fills the project's template with the release's archives, executables and checksums", () => {
    const template = readFileSync(projectPath("krew-manifest.yaml"), "utf8");
    const names = targets.map(({ name }) => archiveName(name, "1.2.3"));
    const sums = new Map(names.map((name, at) => [name, String(at).repeat(64)]));
    const { spec } = parse(fillManifest(template, "1.2.3", sums));
    expect(spec.version).toBe("v1.2.3");
    expect(spec.platforms).toEqual(
      targets.map(({ name, platform }, at) => ({
        selector: { matchLabels: { os: name.split("_")[0], arch: name.split("_")[1] } },
        uri: `https://github.com/kubectl-prefect/kubectl-prefect/releases/download/v1.2.3/${names[at]}`,
        sha256: String(at).repeat(64),
        bin: executableName(platform),
      })),
    );
  });

  it("removes the template's comments", () => {
    expect(fillManifest("# comment\nversion: VERSION\n", "1.0.0", new Map())).toBe("version: v1.0.0\n");
  });

  it("rejects a platform without an archive", () => {
    expect(() => fillManifest("sha256: SHA256_LINUX_ARM64", "1.0.0", new Map())).toThrow(
      'cannot fill "SHA256_LINUX_ARM64": no archive was made for it',
    );
  });
});
