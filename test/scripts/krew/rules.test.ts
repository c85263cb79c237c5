import { describe, expect, it } from "vitest";
import { readPlugin } from "../../../scripts/krew/plugin.ts";
import { manifestProblems } from "../../../scripts/krew/rules.ts";

function platform(changes: object = {}): object {
  return {
    selector: { matchLabels: { os: "linux", arch: "amd64" } },
    uri: "https://example.com/prefect.tar.gz",
    sha256: "a".repeat(64),
    bin: "kubectl-prefect",
    ...changes,
  };
}

function manifest(spec: object = {}, top: object = {}): unknown {
  return {
    apiVersion: "krew.googlecontainertools.github.com/v1alpha2",
    kind: "Plugin",
    metadata: { name: "prefect" },
    spec: {
      version: "v0.1.0",
      homepage: "https://example.com",
      shortDescription: "Run flow runs",
      description: "More of it.",
      platforms: [platform()],
      ...spec,
    },
    ...top,
  };
}

const problems = (parsed: unknown): readonly string[] => manifestProblems(readPlugin(parsed), "prefect");
const withPlatform = (changes: object): unknown => manifest({ platforms: [platform(changes)] });

describe("manifestProblems", () => {
  it("finds no problem in a valid manifest", () => {
    expect(problems(manifest())).toEqual([]);
  });

  it.each([
    ["another apiVersion", manifest({}, { apiVersion: "v1" }), "apiVersion is not krew's v1alpha2"],
    ["another kind", manifest({}, { kind: "Plugins" }), "kind is not Plugin"],
    ["a version without v", manifest({ version: "0.1.0" }), 'the version "0.1.0" is not a semantic one'],
    ["a version of two numbers", manifest({ version: "v0.1" }), 'the version "v0.1" is not a semantic one'],
    ["a leading zero", manifest({ version: "v0.01.0" }), 'the version "v0.01.0" is not a semantic one'],
    ["no shortDescription", manifest({ shortDescription: "" }), "shortDescription is missing"],
    [
      "a shortDescription of two lines",
      manifest({ shortDescription: "a\nb" }),
      "shortDescription has more than one line",
    ],
    ["no description", manifest({ description: "" }), "description is missing"],
    ["no homepage", manifest({ homepage: "" }), "homepage is missing or not https"],
    ["no platforms", manifest({ platforms: [] }), "platforms is missing or empty"],
    ["no uri", withPlatform({ uri: "" }), 'platform 1: uri "" is not an https address'],
    [
      "a uri that ends in .exe",
      withPlatform({ uri: "https://example.com/a.exe" }),
      "is not an https address of a .zip",
    ],
    ["no sha256", withPlatform({ sha256: "" }), 'platform 1: sha256 "" is not 64 lower-case'],
    [
      "an upper-case sha256",
      withPlatform({ sha256: "A".repeat(64) }),
      "is not 64 lower-case hexadecimal digits",
    ],
    ["a placeholder in sha256", withPlatform({ sha256: "SHA256_LINUX_AMD64" }), "is not 64 lower-case"],
    ["no bin", withPlatform({ bin: "" }), "platform 1: bin is missing"],
    ["an empty list of files", withPlatform({ files: [] }), "files is empty; leave it out"],
    ["a file without to", withPlatform({ files: [{ from: "*" }] }), "files has an entry without from or to"],
    ["no selector", withPlatform({ selector: undefined }), "its selector has no matchLabels"],
    ["empty matchLabels", withPlatform({ selector: { matchLabels: {} } }), "its selector has no matchLabels"],
    [
      "matchExpressions",
      withPlatform({ selector: { matchExpressions: [{ key: "os", operator: "In", values: ["linux"] }] } }),
      "its selector uses matchExpressions",
    ],
    [
      "a label that krew does not know",
      withPlatform({ selector: { matchLabels: { os: "linux", libc: "glibc" } } }),
      'its selector uses "libc"; krew knows os and arch',
    ],
    [
      "a platform that does not exist",
      withPlatform({ selector: { matchLabels: { os: "darwin", arch: "arm" } } }),
      "its selector matches no platform that krew knows",
    ],
    [
      "a Windows executable without .exe",
      withPlatform({ selector: { matchLabels: { os: "windows", arch: "amd64" } } }),
      'bin "kubectl-prefect" does not end in .exe',
    ],
    [
      "two platforms for one machine",
      manifest({ platforms: [platform(), platform({ selector: { matchLabels: { os: "linux" } } })] }),
      "2 platforms match linux/amd64; at most one may",
    ],
  ])("rejects %s with exactly one problem", (_, parsed, sentence) => {
    const found = problems(parsed);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(sentence);
  });

  it.each([
    ["pre fect", 'the name "pre fect" is not that of its file, "prefect"', '"pre fect" is not allowed'],
    ["nul", 'the name "nul" is not that of its file', '"nul" is not allowed as a plugin\'s name'],
    ["Prefect", 'the name "Prefect" is not that of its file', 'the name "Prefect" is not lower-case'],
  ])("rejects the name %j", (name, file, sentence) => {
    const found = problems(manifest({}, { metadata: { name } })).join("\n");
    expect(found).toContain(file);
    expect(found).toContain(sentence);
  });

  it.each([[null], ["text"], [[]], [{ spec: { platforms: [null] } }]])(
    "reports what is missing in %j",
    (parsed) => {
      expect(problems(parsed)).toContain("kind is not Plugin");
    },
  );
});
