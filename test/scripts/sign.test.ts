// `npm run sign` with a program in place of codesign, which only macOS has.

import { execFile } from "node:child_process";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { gzip, sha256 } from "../../scripts/archive/gzip.ts";
import { tar, untar } from "../../scripts/archive/tar.ts";
import { projectPath, readProject } from "../../scripts/project.ts";
import { archiveName, executableName, targets } from "../../scripts/release/targets.ts";

const CODESIGN = '#!/bin/sh\n[ "$1" = --verify ] || printf " signed by $3" >> "$4"\n';

const { version } = await readProject();
let folder: string;
const archives = new Map<string, Buffer>();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sign-"));
  await writeFile(join(folder, "codesign"), CODESIGN);
  await chmod(join(folder, "codesign"), 0o755);
  for (const { name, platform } of targets) {
    const content = Buffer.from("program");
    const archive = gzip(
      await tar([
        { path: executableName(platform), mode: 0o755, content },
        { path: "LICENSE", mode: 0o644, content: Buffer.from("licence") },
      ]),
    );
    await writeFile(join(folder, archiveName(name, version)), archive);
  }
  const env = { ...process.env, PATH: [folder, process.env["PATH"]].join(delimiter) };
  await promisify(execFile)(process.execPath, [projectPath("scripts/sign.ts"), "--folder", folder], { env });
  for (const { name } of targets)
    archives.set(name, await readFile(join(folder, archiveName(name, version))));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function contentsOf(name: string): Promise<readonly string[]> {
  return (await untar(gunzipSync(archives.get(name) ?? ""))).map(({ content }) => String(content));
}

describe("npm run sign", () => {
  it.each(["darwin_amd64", "darwin_arm64"])("signs the executable of %s, and only that", async (name) => {
    expect(await contentsOf(name)).toEqual(["program signed by -", "licence"]);
  });

  it.each(["linux_amd64", "linux_arm64", "windows_amd64"])("does not change %s", async (name) => {
    expect(await contentsOf(name)).toEqual(["program", "licence"]);
  });

  it("renews SHA256SUMS and the krew manifest", async () => {
    const sums = await readFile(join(folder, "SHA256SUMS"), "utf8");
    const { spec } = parse(await readFile(join(folder, "prefect.yaml"), "utf8"));
    for (const [at, { name }] of targets.entries()) {
      const sum = sha256(archives.get(name) ?? Buffer.alloc(0));
      expect(sums).toContain(`${sum}  ${archiveName(name, version)}\n`);
      expect(spec.platforms[at].sha256).toBe(sum);
    }
  });
});
