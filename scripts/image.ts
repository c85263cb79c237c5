// `npm run image`: builds dist/kubectl-prefect-image.tar from dist/kubectl-prefect, without Docker.
// --name REPOSITORY:TAG, --binary FILE and --output FILE change the name, the executable and the output file.

import { readFile, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { ExpectedError } from "../src/base/errors.ts";
import { imageConfig } from "./image/config.ts";
import { imageArchive } from "./image/oci.ts";
import { librariesOf } from "./image/libraries.ts";
import { rootFiles } from "./image/root-files.ts";
import { projectPath, readProject, runScript } from "./project.ts";

function architecture(): string {
  if (process.platform !== "linux")
    throw new ExpectedError(`cannot make an image on "${process.platform}": only on linux`);
  return process.arch === "x64" ? "amd64" : process.arch;
}

/** The name, which must have a tag: tools add different ones if it is missing. */
function requireTag(name: string): string {
  if (/^[a-z0-9][a-z0-9._:/-]*:[\w][\w.-]{0,127}$/u.test(name)) return name;
  throw new ExpectedError(`cannot name the image "${name}": it is not REPOSITORY:TAG`);
}

await runScript(async () => {
  const options = {
    name: { type: "string" },
    binary: { type: "string" },
    output: { type: "string" },
  } as const;
  const { values } = parseArgs({ options });
  const { version } = await readProject();
  const binary = resolve(values.binary ?? projectPath("dist/kubectl-prefect"));
  const program = await readFile(binary).catch((cause: unknown) => {
    throw new ExpectedError(`cannot read "${binary}": no such file`, { cause, hint: "npm run build" });
  });
  const base = await rootFiles(await librariesOf(binary));
  const layers = [
    base,
    [
      { path: "LICENSE", mode: 0o644, content: await readFile(projectPath("LICENSE")) },
      {
        path: "THIRD-PARTY-NOTICES",
        mode: 0o644,
        content: await readFile(projectPath("dist/THIRD-PARTY-NOTICES")),
      },
      { path: "kubectl-prefect", mode: 0o755, content: program },
    ],
  ];
  const name = requireTag(values.name ?? `ghcr.io/kubectl-prefect/kubectl-prefect:v${version}`);
  const output = resolve(values.output ?? projectPath("dist/kubectl-prefect-image.tar"));
  const archive = await imageArchive({
    name,
    architecture: architecture(),
    layers,
    config: imageConfig(version),
  });
  await writeFile(output, archive);
  console.log(`${output}: ${name}, ${(archive.length / 1024 / 1024).toFixed(1)} MiB`);
});
