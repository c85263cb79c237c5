// `npm run release`: writes an archive for each platform, their checksums and the filled krew manifest to dist/release.
// --only OS_ARCH makes only that archive, without manifest; --entry FILE packs another program.

import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { ExpectedError } from "../src/base/errors.ts";
import { gzip, sha256 } from "./archive/gzip.ts";
import { tar } from "./archive/tar.ts";
import { bundle } from "./binary/bundle.ts";
import type { Bundle } from "./binary/bundle.ts";
import { writeNotices } from "./binary/notices.ts";
import { makeExecutable } from "./binary/sea.ts";
import { checkKrew } from "./krew/check.ts";
import { projectPath, readProject, requireNode, runScript } from "./project.ts";
import type { Project } from "./project.ts";
import { fillManifest } from "./release/krew-manifest.ts";
import { nodeFile } from "./release/node-package.ts";
import { archiveName, licensedTarget, targets } from "./release/targets.ts";
import type { Target } from "./release/targets.ts";

const folder = projectPath("dist", "release");

interface Release {
  readonly project: Project;
  readonly program: Bundle;
  readonly notices: string;
  readonly nodeLicense: Buffer;
}

/** Writes one archive; returns its SHA-256. */
async function makeArchive(release: Release, target: Target): Promise<string> {
  const { nodeVersion, version } = release.project;
  const node = await nodeFile({ target, nodeVersion }, target.nodePath);
  const output = join(folder, target.bin);
  const codeCache = target.platform === process.platform && target.nodeArch === process.arch;
  await makeExecutable(release.program, { node, platform: target.platform, codeCache, output });
  const archive = gzip(
    await tar([
      { path: target.bin, mode: 0o755, content: await readFile(output) },
      { path: "LICENSE", mode: 0o644, content: await readFile(projectPath("LICENSE")) },
      { path: "NODE-LICENSE", mode: 0o644, content: release.nodeLicense },
      { path: "THIRD-PARTY-NOTICES", mode: 0o644, content: Buffer.from(release.notices) },
    ]),
  );
  await rm(output);
  const name = archiveName(target, version);
  await writeFile(join(folder, name), archive);
  console.log(`${name}: ${(archive.length / 1024 / 1024).toFixed(1)} MiB`);
  return sha256(archive);
}

async function writeSums(release: Release, chosen: readonly Target[]): Promise<ReadonlyMap<string, string>> {
  const sums = new Map<string, string>();
  for (const target of chosen) sums.set(`${target.os}_${target.arch}`, await makeArchive(release, target));
  const lines = chosen.map(
    (target) =>
      `${sums.get(`${target.os}_${target.arch}`)}  ${archiveName(target, release.project.version)}\n`,
  );
  await writeFile(join(folder, "SHA256SUMS"), lines.join(""));
  return sums;
}

await runScript(async () => {
  const { values } = parseArgs({ options: { only: { type: "string" }, entry: { type: "string" } } });
  const project = await readProject();
  requireNode(project);
  const chosen = targets.filter(
    (one) => values.only === undefined || values.only === `${one.os}_${one.arch}`,
  );
  if (chosen.length === 0) throw new ExpectedError(`cannot release for "${values.only}": unknown platform`);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const program = await bundle(resolve(values.entry ?? projectPath("src/main.ts")));
  const { nodeVersion } = project;
  const nodeLicense = await nodeFile({ target: licensedTarget(), nodeVersion }, "LICENSE");
  const sums = await writeSums(
    { project, program, notices: await writeNotices(program.inputs), nodeLicense },
    chosen,
  );
  if (values.only !== undefined) return;
  const manifest = join(folder, "prefect.yaml");
  const template = await readFile(projectPath("krew-manifest.yaml"), "utf8");
  await writeFile(manifest, fillManifest(template, { version: project.version, sums }));
  await checkKrew(manifest, folder);
  console.log(`${manifest}: meets krew's rules`);
});
