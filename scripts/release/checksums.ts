// Checksums of a release's files, and the krew manifest with those of the archives.

import { readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ExpectedError } from "../../src/base/errors.ts";
import { sha256 } from "../archive/gzip.ts";
import { projectPath } from "../project.ts";
import { archiveName } from "./targets.ts";

/** Writes SHA256SUMS for the archives and the SBOM in this folder, and prefect.yaml from krew-manifest.yaml. */
export async function writeChecksums(folder: string, version: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => name.startsWith("kubectl-prefect_")).sort();
  const sums = new Map<string, string>();
  for (const name of names) sums.set(name, sha256(await readFile(join(folder, name))));
  const lines = [...sums].map(([name, sum]) => `${sum}  ${name}\n`);
  await writeFile(join(folder, "SHA256SUMS"), lines.join(""));
  const template = await readFile(projectPath("krew-manifest.yaml"), "utf8");
  await writeFile(join(folder, "prefect.yaml"), fillManifest(template, version, sums));
}

/**
 * The manifest for krew-index: replaces VERSION, and SHA256_<OS>_<ARCH> by the checksum of that platform's archive. `sums`: file name →
 * lower-case SHA-256. Throws for a platform without an archive.
 */
export function fillManifest(template: string, version: string, sums: ReadonlyMap<string, string>): string {
  return template
    .split("\n")
    .filter((line) => !line.startsWith("#"))
    .join("\n")
    .replaceAll("VERSION", `v${version}`)
    .replaceAll(/SHA256_([A-Z0-9]+_[A-Z0-9]+)/gu, (placeholder, target: string) => {
      const sum = sums.get(archiveName(target.toLowerCase(), version));
      if (sum === undefined)
        throw new ExpectedError(`cannot fill "${placeholder}": no archive was made for it`);
      return sum;
    });
}
