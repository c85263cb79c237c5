// krew's rules for a manifest in krew-index; each violation is a sentence.
// Sources: krew's internal/index/validation and cmd/validate-krew-manifest; the naming guide for names.

import type { Plugin, PluginPlatform } from "./plugin.ts";

/** The platforms that krew supports. */
const known: readonly { readonly os: string; readonly arch: string }[] = [
  ...["386", "amd64", "arm64"].map((arch) => ({ os: "windows", arch })),
  ...["386", "amd64", "arm", "arm64", "ppc64le"].map((arch) => ({ os: "linux", arch })),
  ...["386", "amd64", "arm64"].map((arch) => ({ os: "darwin", arch })),
];

const semver = /^v(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/u;
const windowsDevice = /^(con|prn|aux|nul|com[1-9]|lpt[1-9])$/iu;

/** The manifest's problems; empty if krew accepts it. `fileName` is without `.yaml`. */
export function manifestProblems(plugin: Plugin, fileName: string): readonly string[] {
  return [
    ...headProblems(plugin, fileName),
    ...plugin.platforms.flatMap((platform, index) =>
      platformProblems(platform).map((problem) => `platform ${index + 1}: ${problem}`),
    ),
    ...overlapProblems(plugin.platforms),
  ];
}

function headProblems(plugin: Plugin, fileName: string): readonly string[] {
  const { name, version, shortDescription } = plugin;
  return [
    ...when(
      plugin.apiVersion !== "krew.googlecontainertools.github.com/v1alpha2",
      "apiVersion is not krew's v1alpha2",
    ),
    ...when(plugin.kind !== "Plugin", "kind is not Plugin"),
    ...when(
      !/^[\w-]+$/u.test(name) || windowsDevice.test(name),
      `"${name}" is not allowed as a plugin's name`,
    ),
    ...when(/[A-Z_]/u.test(name), `the name "${name}" is not lower-case with dashes`),
    ...when(name !== fileName, `the name "${name}" is not that of its file, "${fileName}"`),
    ...when(!semver.test(version), `the version "${version}" is not a semantic one with a leading v`),
    ...when(shortDescription === "", "shortDescription is missing"),
    ...when(/[\r\n]/u.test(shortDescription), "shortDescription has more than one line"),
    ...when(plugin.description === "", "description is missing"),
    ...when(!plugin.homepage.startsWith("https://"), "homepage is missing or not https"),
    ...when(plugin.platforms.length === 0, "platforms is missing or empty"),
  ];
}

function platformProblems(platform: PluginPlatform): readonly string[] {
  const { uri, sha256, bin, files } = platform;
  const windowsBin = platform.labels?.["os"] === "windows" && !bin.endsWith(".exe");
  return [
    ...when(
      !/^https:\/\/.+\.(zip|tar\.gz)$/u.test(uri),
      `uri "${uri}" is not an https address of a .zip or .tar.gz`,
    ),
    ...when(!/^[a-f0-9]{64}$/u.test(sha256), `sha256 "${sha256}" is not 64 lower-case hexadecimal digits`),
    ...when(bin === "", "bin is missing"),
    ...when(windowsBin, `bin "${bin}" does not end in .exe`),
    ...when(files?.length === 0, "files is empty; leave it out to take everything"),
    ...when(
      files?.some((file) => !file["from"] || !file["to"]) === true,
      "files has an entry without from or to",
    ),
    ...selectorProblems(platform),
  ];
}

function selectorProblems(platform: PluginPlatform): readonly string[] {
  // krew also accepts matchExpressions, which our manifest does not need.
  if (platform.expressions) return ["its selector uses matchExpressions; write matchLabels"];
  const keys = Object.keys(platform.labels ?? {});
  if (keys.length === 0) return ["its selector has no matchLabels"];
  const unknown = keys.filter((key) => key !== "os" && key !== "arch");
  if (unknown.length > 0) return unknown.map((key) => `its selector uses "${key}"; krew knows os and arch`);
  return when(
    !known.some((one) => selects(platform, one)),
    "its selector matches no platform that krew knows",
  );
}

function overlapProblems(platforms: readonly PluginPlatform[]): readonly string[] {
  return known.flatMap((one) => {
    const matching = platforms.filter((platform) => selects(platform, one)).length;
    return when(matching > 1, `${matching} platforms match ${one.os}/${one.arch}; at most one may`);
  });
}

function selects(platform: PluginPlatform, one: { readonly os: string; readonly arch: string }): boolean {
  if (platform.labels === undefined) return false;
  const { os = one.os, arch = one.arch } = platform.labels;
  return os === one.os && arch === one.arch;
}

function when(wrong: boolean, sentence: string): readonly string[] {
  return wrong ? [sentence] : [];
}
