// `npm run release`: writes to dist/release an archive for each platform, their SBOM, SHA256SUMS and the filled krew manifest.

import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { projectPath, runScript } from "./project.ts";
import { makeArchive, prepareRelease } from "./release/archive.ts";
import { writeChecksums } from "./release/checksums.ts";
import { formatSbom } from "./release/sbom.ts";
import { archiveName, targets } from "./release/targets.ts";

await runScript(async () => {
  const folder = projectPath("dist", "release");
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const release = await prepareRelease();
  const { version } = release.project;
  for (const target of targets) {
    const archive = await makeArchive(release, target);
    const name = archiveName(target.name, version);
    await writeFile(join(folder, name), archive);
    console.log(`${name}: ${(archive.length / 1024 / 1024).toFixed(1)} MiB`);
  }
  const lock: unknown = JSON.parse(await readFile(projectPath("package-lock.json"), "utf8"));
  const sbom = formatSbom(release.project, release.packages, lock);
  await writeFile(join(folder, `kubectl-prefect_v${version}.cdx.json`), sbom);
  await writeChecksums(folder, version);
});
