// `npm run image`: writes dist/image.tar, the agent's image for amd64 and arm64, without Docker. Its upper layer is the archive that
// `npm run release` makes for linux. Not named kubectl-…: kubectl takes such files on the PATH for plugins.
// --name REPOSITORY:TAG and --output FILE change the name and the output file; --arch amd64 or arm64 makes only that one.

import { readFile, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { ExpectedError } from "../src/base/errors.ts";
import { gzip } from "./archive/gzip.ts";
import { tar } from "./archive/tar.ts";
import { debianFiles } from "./image/debian.ts";
import { readDefinition } from "./image/definition.ts";
import type { ImageDefinition } from "./image/definition.ts";
import { imageArchive } from "./image/oci.ts";
import { rootFiles } from "./image/root-files.ts";
import { projectPath, runScript } from "./project.ts";
import { makeArchive, prepareRelease } from "./release/archive.ts";
import type { Release } from "./release/archive.ts";
import { targets } from "./release/targets.ts";

/** The name, which must have a tag: tools add different ones if it is missing. */
function requireTag(name: string): string {
  if (/^[a-z0-9][a-z0-9._:/-]*:[\w][\w.-]{0,127}$/u.test(name)) return name;
  throw new ExpectedError(`cannot name the image "${name}": it is not REPOSITORY:TAG`);
}

/** The layers for one architecture: Debian's libraries, then the archive. */
async function layersOf(release: Release, image: ImageDefinition, architecture: string): Promise<Buffer[]> {
  const target = targets.find(({ name }) => name === `linux_${architecture}`);
  if (target === undefined)
    throw new ExpectedError(`cannot make an image for "${architecture}": amd64 or arm64`);
  const userId = Number.parseInt(image.config.User, 10);
  const files = rootFiles(await debianFiles(image, architecture), userId);
  return [gzip(await tar(files)), await makeArchive(release, target)];
}

await runScript(async () => {
  const text = { type: "string" } as const;
  const { values } = parseArgs({ options: { name: text, output: text, arch: text } });
  const output = resolve(values.output ?? projectPath("dist", "image.tar"));
  const release = await prepareRelease();
  const version = `v${release.project.version}`;
  const name = requireTag(values.name ?? `ghcr.io/kubectl-prefect/kubectl-prefect:${version}`);
  const dockerfile = await readFile(projectPath("scripts", "image", "Dockerfile"), "utf8");
  const definition = readDefinition(dockerfile, version);
  const layers = new Map<string, readonly Buffer[]>();
  for (const architecture of values.arch === undefined ? ["amd64", "arm64"] : [values.arch])
    layers.set(architecture, await layersOf(release, definition, architecture));
  const archive = await imageArchive({ name, config: definition.config, layers });
  await writeFile(output, archive);
  console.log(`${output}: ${name}, ${(archive.length / 1024 / 1024).toFixed(1)} MiB`);
});
