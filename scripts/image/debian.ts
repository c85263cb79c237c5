// Files of Debian's packages, for any architecture: apt downloads them and checks their signatures, with lists of its own in
// dist/.cache, so that nothing on the building machine changes.

import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { ExpectedError, textOf } from "../../src/base/errors.ts";
import { untar } from "../archive/tar.ts";
import type { TarEntry } from "../archive/tar.ts";
import { projectPath } from "../project.ts";
import type { ImageDefinition } from "./definition.ts";

type Packages = Pick<ImageDefinition, "suite" | "packages">;

const run = promisify(execFile);
const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";

/** The files of the newest version of each package, in the order of the packages' names. */
export async function debianFiles(wanted: Packages, architecture: string): Promise<readonly TarEntry[]> {
  const root = projectPath("dist", ".cache", `debian-${wanted.suite}-${architecture}`);
  try {
    return await download(wanted, architecture, root);
  } catch (cause) {
    throw new ExpectedError(`cannot get Debian's packages for "${architecture}": ${textOf(cause)}`, {
      cause,
      hint: "apt-get, dpkg-deb and the package debian-archive-keyring are needed: use Debian or Ubuntu",
    });
  }
}

async function download(wanted: Packages, architecture: string, root: string): Promise<readonly TarEntry[]> {
  for (const folder of [
    "etc/apt/preferences.d",
    "var/lib/apt/lists/partial",
    "var/lib/dpkg",
    "var/cache/apt/archives/partial",
  ]) {
    await mkdir(join(root, folder), { recursive: true });
  }
  await writeFile(join(root, "var/lib/dpkg/status"), "");
  await writeFile(join(root, "etc/apt/sources.list"), sources(wanted.suite));
  const settings = {
    Dir: root,
    "Dir::State::status": join(root, "var/lib/dpkg/status"),
    "APT::Architecture": architecture,
    "APT::Architectures": architecture,
    "APT::Sandbox::User": "root",
    "Acquire::Languages": "none",
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
  const folder = await mkdtemp(join(root, "packages-"));
  try {
    await run("apt-get", [...options, "update"]);
    await run("apt-get", [...options, "download", ...wanted.packages], { cwd: folder });
    const archives = (await readdir(folder)).sort();
    return (await Promise.all(archives.map((name) => unpack(join(folder, name))))).flat();
  } finally {
    await rm(folder, { recursive: true });
  }
}

function sources(suite: string): string {
  return ["", "-security"]
    .map((part) => `deb [signed-by=${keyring}] http://deb.debian.org/debian${part} ${suite}${part} main\n`)
    .join("");
}

async function unpack(archive: string): Promise<readonly TarEntry[]> {
  const options = { encoding: "buffer", maxBuffer: 256 * 1024 * 1024 } as const;
  const { stdout } = await run("dpkg-deb", ["--fsys-tarfile", archive], options);
  return await untar(stdout);
}
