// The archives of a release: what is in them, and the executables as their operating systems will check them.

import { createHash } from "node:crypto";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { sha256 } from "../../scripts/archive/gzip.ts";
import { withChecksum } from "../../scripts/binary/pe.ts";
import { nodeExecutable } from "../../scripts/release/node-package.ts";
import { archiveName, executableName, targets } from "../../scripts/release/targets.ts";
import { archivePath, entriesOf, executableOf, folder, native, nodeVersion, version } from "./support.ts";

describe.each(targets)("the archive for $name", (target) => {
  it("has the executable, our licence, Node's and those of the packages", async () => {
    const entries = await entriesOf(target);
    expect(entries.map(({ path, mode }) => [path, mode.toString(8)])).toEqual([
      [executableName(target.platform), "755"],
      ["LICENSE", "644"],
      ["NODE-LICENSE", "644"],
      ["THIRD-PARTY-NOTICES", "644"],
    ]);
    for (const { content } of entries) expect(content?.length).toBeGreaterThan(1000);
  });

  it("has its checksum in SHA256SUMS and in the krew manifest", () => {
    const sum = sha256(readFileSync(archivePath(target)));
    const sums = readFileSync(join(folder, "SHA256SUMS"), "utf8");
    expect(sums).toContain(`${sum}  ${archiveName(target.name, version)}\n`);
    expect(readFileSync(join(folder, "prefect.yaml"), "utf8")).toContain(sum);
  });
});

describe("the executable", () => {
  it.runIf(native)("starts on this machine", async () => {
    const work = await mkdtemp(join(tmpdir(), "kubectl-prefect-"));
    const file = join(work, "kubectl-prefect");
    try {
      await writeFile(file, await executableOf(native!), { mode: 0o755 });
      const { stdout } = await promisify(execFile)(file, ["version"]);
      expect(stdout).toContain(version);
    } finally {
      await rm(work, { recursive: true });
    }
  });

  it.each(targets.filter(({ platform }) => platform === "darwin"))(
    "for $name has the right hash of every page in its signature",
    async (target) => {
      const file = await executableOf(target);
      const { pages, wrong } = checkPages(file, signatureOffset(file));
      expect(wrong).toEqual([]);
      expect(pages).toBeGreaterThan(20_000);
    },
  );

  it.each(targets.filter(({ platform }) => platform === "win32"))(
    "for $name has the checksum of its content",
    async (target) => {
      const file = await executableOf(target);
      expect(withChecksum(file).equals(file)).toBe(true);
    },
  );

  it("of Node for Windows has the checksum that withChecksum computes", async () => {
    const target = targets.find(({ platform }) => platform === "win32");
    const file = await nodeExecutable(target!, nodeVersion);
    expect(withChecksum(file).equals(file)).toBe(true);
  });
});

/** Where the load command LC_CODE_SIGNATURE says that the signature is. */
function signatureOffset(file: Buffer): number {
  let at = 32;
  for (let left = file.readUInt32LE(16); left > 0; left--) {
    if (file.readUInt32LE(at) === 0x1d) return file.readUInt32LE(at + 8);
    at += file.readUInt32LE(at + 4);
  }
  throw new Error("the executable is not signed");
}

/** Compares the hashes of the code directory, the signature's only blob, with those of the file. */
function checkPages(file: Buffer, signature: number): { pages: number; wrong: readonly number[] } {
  const directory = signature + file.readUInt32BE(signature + 16);
  const hashes = directory + file.readUInt32BE(directory + 16);
  const pages = file.readUInt32BE(directory + 28);
  const end = file.readUInt32BE(directory + 32);
  expect(end).toBe(signature);
  const wrong = Array.from({ length: pages }, (_, page) => page).filter((page) => {
    const bytes = file.subarray(page * 4096, Math.min((page + 1) * 4096, end));
    const written = file.subarray(hashes + page * 32, hashes + (page + 1) * 32);
    return !createHash("sha256").update(bytes).digest().equals(written);
  });
  return { pages, wrong };
}
