// Makes an executable of Node and the chunks, with `node --build-sea`, for this or another platform.

import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { projectPath } from "../project.ts";
import { bundleBoot } from "./bundle.ts";
import type { Bundle } from "./bundle.ts";
import { writeCodeCaches } from "./code-cache.ts";
import { padLastSegment, stripElf } from "./elf.ts";
import { signMachO } from "./mach-o.ts";
import { NODE_FLAGS } from "./node-flags.ts";
import { dropAuthenticode, withChecksum } from "./pe.ts";
import { runNode } from "./run-node.ts";

/** Platforms as Node names them. */
export type Platform = "linux" | "darwin" | "win32";

export interface ExecutableRequest {
  /** The target platform's Node, of the same release as the building one. */
  readonly node: Buffer;
  readonly platform: Platform;
  /** Only possible for the building platform. */
  readonly codeCache: boolean;
}

/** The executable. */
export async function makeExecutable(bundle: Bundle, request: ExecutableRequest): Promise<Buffer> {
  await mkdir(projectPath("dist"), { recursive: true });
  // A new folder for each build, so that parallel builds do not interfere.
  const folder = await mkdtemp(projectPath("dist", ".build-"));
  try {
    await fillFolder(folder, bundle, request);
    await runNode(["--build-sea", "sea.json"], folder);
    return afterInjection(await readFile(join(folder, "executable")), request.platform);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Writes the input files of `node --build-sea`. */
async function fillFolder(folder: string, bundle: Bundle, request: ExecutableRequest): Promise<void> {
  const names = [...bundle.chunks.keys()];
  for (const [name, source] of bundle.chunks) await writeFile(join(folder, name), source, "latin1");
  if (request.codeCache) await writeCodeCaches(folder, names);
  await writeFile(join(folder, "boot.cjs"), await bundleBoot());
  await writeFile(join(folder, "node.bin"), beforeInjection(request.node, request.platform), { mode: 0o755 });
  const assets = request.codeCache ? names.flatMap((name) => [name, `${name}.cache`]) : names;
  await writeFile(join(folder, "sea.json"), JSON.stringify(seaConfig(assets)));
}

/** The config of `node --build-sea`. Paths are relative: that of `main` is stored in the executable. */
export function seaConfig(assets: readonly string[]): Readonly<Record<string, unknown>> {
  return {
    main: "boot.cjs",
    executable: "node.bin",
    output: "executable",
    assets: Object.fromEntries(assets.map((name) => [name, name])),
    disableExperimentalSEAWarning: true,
    useCodeCache: false,
    execArgv: NODE_FLAGS,
    // Ignore NODE_OPTIONS, which is meant for another Node: an unknown flag would prevent the start.
    execArgvExtension: "none",
  };
}

function beforeInjection(node: Buffer, platform: Platform): Buffer {
  if (platform === "linux") return padLastSegment(stripElf(node));
  return platform === "win32" ? dropAuthenticode(node) : node;
}

/** Injection removes the signature of a macOS binary, which Apple silicon requires, and leaves the checksum of a Windows one. */
function afterInjection(executable: Buffer, platform: Platform): Buffer {
  if (platform === "darwin") return signMachO(executable, "kubectl-prefect");
  return platform === "win32" ? withChecksum(executable) : executable;
}
