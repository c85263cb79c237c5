// `npm run release`: writes to dist/release an archive for each platform, their SBOM, SHA256SUMS and the filled krew manifest.
// --only OS_ARCH makes only that archive.

import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ExpectedError } from "../src/base/errors.ts";
import { projectPath, runScript } from "./project.ts";
import { makeArchive, prepareRelease } from "./release/archive.ts";
import { writeChecksums } from "./release/checksums.ts";
import { formatSbom } from "./release/sbom.ts";
import { archiveName, targets } from "./release/targets.ts";

await runScript(async () => {
  const { values } = parseArgs({ options: { only: { type: "string" } } });
  const chosen = targets.filter(({ name }) => name === (values.only ?? name));
  if (chosen.length === 0) throw new ExpectedError(`cannot release for "${values.only}": unknown platform`);
  const folder = projectPath("dist", "release");
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const release = await prepareRelease();
  const { version } = release.project;
  for (const target of chosen) {
    const archive = await makeArchive(release, target);
    const name = archiveName(target.name, version);
    await writeFile(join(folder, name), archive);
    console.log(`${name}: ${(archive.length / 1024 / 1024).toFixed(1)} MiB`);
  }
  if (values.only !== undefined) return;
  const lock: unknown = JSON.parse(await readFile(projectPath("package-lock.json"), "utf8"));
  const sbom = formatSbom(release.project, release.packages, lock);
  await writeFile(join(folder, `kubectl-prefect_v${version}.cdx.json`), sbom);
  await writeChecksums(folder, version);
});
