// A release's archives, one for each platform: the executable and the licences of everything in it.

import { readFile } from "node:fs/promises";
import { gzip } from "../archive/gzip.ts";
import { tar } from "../archive/tar.ts";
import type { TarEntry } from "../archive/tar.ts";
import { bundle } from "../binary/bundle.ts";
import type { Bundle } from "../binary/bundle.ts";
import { bundledPackages, formatNotices } from "../binary/notices.ts";
import type { BundledPackage } from "../binary/notices.ts";
import { makeExecutable } from "../binary/sea.ts";
import { projectPath, readProject, requireNode } from "../project.ts";
import type { Project } from "../project.ts";
import { nodeExecutable, nodeLicense } from "./node-package.ts";
import { executableName } from "./targets.ts";
import type { Target } from "./targets.ts";

/** What the archives have in common. */
export interface Release {
  readonly project: Project;
  readonly program: Bundle;
  readonly packages: readonly BundledPackage[];
  readonly nodeLicense: Buffer;
}

/** Bundles the program. */
export async function prepareRelease(): Promise<Release> {
  const project = await readProject();
  requireNode(project);
  const program = await bundle(projectPath("src/main.ts"));
  const packages = await bundledPackages(program.inputs);
  return { project, program, packages, nodeLicense: await nodeLicense(project.nodeVersion) };
}

/** The archive for this platform: tar.gz, because krew takes only that and zip. */
export async function makeArchive(release: Release, target: Target): Promise<Buffer> {
  const { platform, nodeArch } = target;
  const executable = await makeExecutable(release.program, {
    node: await nodeExecutable(target, release.project.nodeVersion),
    platform,
    codeCache: platform === process.platform && nodeArch === process.arch,
  });
  return gzip(
    await tar([
      { path: executableName(platform), mode: 0o755, content: executable },
      text("LICENSE", await readFile(projectPath("LICENSE"))),
      text("NODE-LICENSE", release.nodeLicense),
      text("THIRD-PARTY-NOTICES", Buffer.from(formatNotices(release.packages))),
    ]),
  );
}

function text(path: string, content: Buffer): TarEntry {
  return { path, mode: 0o644, content };
}
