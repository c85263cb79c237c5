// krew's own check of a plugin for its index, which downloads and installs the archive of every platform, and a real installation.

import { execFile } from "node:child_process";
import { createReadStream } from "node:fs";
import { mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { basename, delimiter, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { projectPath } from "../../scripts/project.ts";
import { buildTools, noGoReason } from "./go-tools.ts";
import { archivePath, folder, native, version } from "./support.ts";

const absent = noGoReason();
if (absent !== undefined) process.stderr.write(`skipped, krew: ${absent}\n`);

const MANIFEST = join(folder, "prefect.yaml");

let work: string;
let server: Server;
let env: NodeJS.ProcessEnv;

async function run(command: string, args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(command, args, { env });
  return stdout;
}

describe.skipIf(absent !== undefined)("krew", () => {
  beforeAll(async () => {
    work = await mkdtemp(join(tmpdir(), "kubectl-prefect-krew-"));
    await buildTools(work);
    await rename(join(work, "krew"), join(work, "kubectl-krew"));
    const root = join(work, "root");
    const path = [work, join(root, "bin"), process.env["PATH"]].join(delimiter);
    env = { ...process.env, KREW_ROOT: root, KREW_NO_UPGRADE_CHECK: "1", PATH: path };
    server = createServer(({ url = "" }, response) => {
      createReadStream(join(folder, basename(url))).pipe(response);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  });

  afterAll(async () => {
    server?.close();
    await rm(work, { recursive: true, force: true });
  });

  it("accepts the manifest, and installs the archive of every platform", async () => {
    const { port } = server.address() as AddressInfo;
    const published = await readFile(MANIFEST, "utf8");
    const local = join(work, basename(MANIFEST));
    await writeFile(
      local,
      published.replaceAll(/https:\S+(?=\/kubectl-prefect_)/g, `http://127.0.0.1:${port}`),
    );
    await expect(run("validate-krew-manifest", ["-manifest", local])).resolves.toBeDefined();
  });

  it("installs the plugin from its archive, and kubectl runs it", async () => {
    const archive = native === undefined ? "" : archivePath(native);
    await run("kubectl", ["krew", "install", `--manifest=${MANIFEST}`, `--archive=${archive}`]);
    expect(await run("kubectl", ["prefect", "version"])).toContain(version);
  });

  it("is the only plugin that kubectl finds in dist", async () => {
    const path = [projectPath("dist"), work, process.env["PATH"]].join(delimiter);
    const { stdout } = await promisify(execFile)("kubectl", ["plugin", "list"], {
      env: { ...env, PATH: path },
    });
    const inDist = stdout.split("\n").filter((line) => line.startsWith(projectPath("dist")));
    expect(inDist).toEqual([projectPath("dist", "kubectl-prefect")]);
  });
});
