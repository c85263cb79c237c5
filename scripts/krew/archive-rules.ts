// krew's rules for an archive: checksum, executable, licence and paths.

import { gunzipSync } from "node:zlib";
import { textOf } from "../../src/base/errors.ts";
import { sha256 } from "../archive/gzip.ts";
import { untar } from "../archive/tar.ts";
import type { ReadEntry } from "../archive/tar.ts";
import type { PluginPlatform } from "./plugin.ts";

/** The problems of a platform's .tar.gz; empty if krew can install it. */
export async function archiveProblems(platform: PluginPlatform, archive: Buffer): Promise<readonly string[]> {
  const sum = sha256(archive);
  if (sum !== platform.sha256) return [`the archive's sha256 is ${sum}, not "${platform.sha256}"`];
  try {
    return contentProblems(platform, await untar(gunzipSync(archive)));
  } catch (error) {
    return [`the archive cannot be unpacked: ${textOf(error)}`];
  }
}

function contentProblems(platform: PluginPlatform, entries: readonly ReadEntry[]): readonly string[] {
  const bin = entries.find((entry) => entry.path.replace(/^\.\//u, "") === platform.bin);
  const outside = entries.filter(
    (entry) => entry.path.startsWith("/") || entry.path.split("/").includes(".."),
  );
  const licensed = entries.some((entry) => /^(\.\/)?(licen[cs]e|copying)(\.txt|\.md)?$/iu.test(entry.path));
  return [
    ...outside.map((entry) => `"${entry.path}" would be unpacked outside the plugin's folder`),
    ...binProblems(platform, bin),
    ...(licensed ? [] : ["the archive has no LICENSE or COPYING"]),
  ];
}

function binProblems(platform: PluginPlatform, bin: ReadEntry | undefined): readonly string[] {
  if (bin === undefined) return [`the archive has no "${platform.bin}"`];
  if (bin.kind !== "file") return [`"${platform.bin}" is not a file`];
  return (bin.mode & 0o111) === 0 ? [`"${platform.bin}" is not executable`] : [];
}
