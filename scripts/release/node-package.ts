// Node for another platform, from its npm package, which is cached in dist/.cache.

import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { gunzipSync } from "node:zlib";
import { ExpectedError, textOf } from "../../src/base/errors.ts";
import { untar } from "../archive/tar.ts";
import { projectPath } from "../project.ts";
import type { Target } from "./targets.ts";

export interface PackageRequest {
  readonly target: Target;
  readonly nodeVersion: string;
}

/** A file of the target's package, which is downloaded once; npm checks its integrity. */
export async function nodeFile(request: PackageRequest, path: string): Promise<Buffer> {
  const { target, nodeVersion } = request;
  const name = `${target.npmPackage}-${nodeVersion}.tgz`;
  const cached = await readFile(projectPath("dist", ".cache", name)).catch(() => undefined);
  const archive = cached ?? (await fetchPackage(`${target.npmPackage}@${nodeVersion}`, name));
  for (const entry of await untar(gunzipSync(archive))) {
    if (entry.path === `package/${path}`) return entry.content;
  }
  throw new ExpectedError(`cannot find "${path}" in the npm package "${name}": no such file`);
}

/** Downloads to a temporary folder first, so that an interrupted download is not used. */
async function fetchPackage(specifier: string, name: string): Promise<Buffer> {
  const cache = projectPath("dist", ".cache");
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(join(cache, "fetch-"));
  try {
    await promisify(execFile)("npm", ["pack", specifier, "--pack-destination", folder], {
      shell: process.platform === "win32",
    });
    await rename(join(folder, name), join(cache, name));
  } catch (cause) {
    throw new ExpectedError(`cannot fetch "${specifier}" from npm: ${textOf(cause)}`, { cause });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return await readFile(join(cache, name));
}
