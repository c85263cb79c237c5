// `npm run sign`, on macOS: signs the darwin executables of dist/release with codesign in place of the signature that was made without
// a Mac (binary/mach-o.ts), packs them again, and renews SHA256SUMS and the krew manifest.
// --folder FOLDER is another folder than dist/release. The signature is ad hoc: without a certificate.

import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { gunzipSync } from "node:zlib";
import { ExpectedError, textOf } from "../src/base/errors.ts";
import { gzip } from "./archive/gzip.ts";
import { tar, untar } from "./archive/tar.ts";
import { projectPath, readProject, runScript } from "./project.ts";
import { writeChecksums } from "./release/checksums.ts";
import { archiveName, executableName, targets } from "./release/targets.ts";

const run = promisify(execFile);

/** The executable with an ad hoc signature, which codesign has verified. */
async function signed(executable: Uint8Array): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), "kubectl-prefect-sign-"));
  const file = join(folder, "kubectl-prefect");
  try {
    await writeFile(file, executable, { mode: 0o755 });
    await run("codesign", ["--force", "--sign", "-", file]);
    await run("codesign", ["--verify", "--strict", file]);
    return await readFile(file);
  } catch (cause) {
    throw new ExpectedError(`cannot sign the macOS executable: ${textOf(cause)}`, {
      cause,
      hint: "codesign comes with macOS",
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

await runScript(async () => {
  const { values } = parseArgs({ options: { folder: { type: "string" } } });
  const folder = values.folder ?? projectPath("dist", "release");
  const { version } = await readProject();
  for (const target of targets.filter(({ platform }) => platform === "darwin")) {
    const path = join(folder, archiveName(target.name, version));
    const entries = [];
    for (const entry of await untar(gunzipSync(await readFile(path)))) {
      const isExecutable = entry.path === executableName(target.platform) && entry.content !== undefined;
      entries.push(isExecutable ? { ...entry, content: await signed(entry.content) } : entry);
    }
    await writeFile(path, gzip(await tar(entries)));
  }
  await writeChecksums(folder, version);
});
