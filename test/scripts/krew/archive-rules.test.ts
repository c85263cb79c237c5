import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { gzip, sha256 } from "../../../scripts/archive/gzip.ts";
import { tar } from "../../../scripts/archive/tar.ts";
import type { TarEntry } from "../../../scripts/archive/tar.ts";
import { archiveProblems } from "../../../scripts/krew/archive-rules.ts";
import { checkKrew } from "../../../scripts/krew/check.ts";

const content = Buffer.from("x");
const bin: TarEntry = { path: "kubectl-prefect", mode: 0o755, content };
const license: TarEntry = { path: "LICENSE", mode: 0o644, content };

async function problems(entries: readonly TarEntry[]): Promise<readonly string[]> {
  const archive = gzip(await tar(entries));
  return archiveProblems(platformOf(archive), archive);
}

function platformOf(archive: Buffer): Parameters<typeof archiveProblems>[0] {
  return {
    uri: "https://example.com/p.tar.gz",
    sha256: sha256(archive),
    bin: "kubectl-prefect",
    labels: { os: "linux" },
    expressions: false,
    files: undefined,
  };
}

describe("archiveProblems", () => {
  it.each([
    { name: "LICENSE", path: "LICENSE" },
    { name: "COPYING.md", path: "COPYING.md" },
    { name: "./license.txt", path: "./license.txt" },
  ])("accepts an archive with the executable and $name", async ({ path }) => {
    expect(await problems([bin, { ...license, path }])).toEqual([]);
  });

  it.each([
    { name: "without its executable", entries: [license], sentence: 'the archive has no "kubectl-prefect"' },
    { name: "without a licence", entries: [bin], sentence: "the archive has no LICENSE or COPYING" },
    {
      name: "with only Node's licence",
      entries: [bin, { ...license, path: "NODE-LICENSE" }],
      sentence: "the archive has no LICENSE or COPYING",
    },
    {
      name: "whose executable is not executable",
      entries: [{ ...bin, mode: 0o644 }, license],
      sentence: '"kubectl-prefect" is not executable',
    },
    {
      name: "whose executable is a folder",
      entries: [{ path: "kubectl-prefect", mode: 0o755, linkTo: "elsewhere" }, license],
      sentence: '"kubectl-prefect" is not a file',
    },
    {
      name: "with a path outside its folder",
      entries: [bin, license, { ...license, path: "../kubectl" }],
      sentence: '"../kubectl" would be unpacked outside',
    },
  ])("rejects one $name", async ({ entries, sentence }) => {
    const found = await problems(entries);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(sentence);
  });

  it("rejects one with a different sum", async () => {
    const archive = gzip(await tar([bin, license]));
    const found = await archiveProblems({ ...platformOf(archive), sha256: "0".repeat(64) }, archive);
    expect(found).toEqual([`the archive's sha256 is ${sha256(archive)}, not "${"0".repeat(64)}"`]);
  });

  it("rejects a file that is not an archive", async () => {
    const text = Buffer.from("not gzip");
    expect((await archiveProblems(platformOf(text), text))[0]).toContain("the archive cannot be unpacked");
  });
});

describe("checkKrew", () => {
  let folder = "";
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "krew-"));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  function manifestFor(archive: Buffer): string {
    return JSON.stringify({
      apiVersion: "krew.googlecontainertools.github.com/v1alpha2",
      kind: "Plugin",
      metadata: { name: "prefect" },
      spec: {
        version: "v0.1.0",
        homepage: "https://example.com",
        shortDescription: "s",
        description: "d",
        platforms: [
          {
            selector: { matchLabels: { os: "linux", arch: "amd64" } },
            uri: "https://example.com/v0.1.0/p.tar.gz",
            sha256: sha256(archive),
            bin: "kubectl-prefect",
          },
        ],
      },
    });
  }

  it("passes when manifest and archives agree", async () => {
    const archive = gzip(await tar([bin, license]));
    const manifest = join(folder, "prefect.yaml");
    await writeFile(manifest, manifestFor(archive));
    await writeFile(join(folder, "p.tar.gz"), archive);
    await expect(checkKrew(manifest, folder)).resolves.toBeUndefined();
  });

  it("reports every problem of the manifest and of the archives", async () => {
    const manifest = join(folder, "prefecto.yaml");
    await writeFile(manifest, manifestFor(Buffer.from("")));
    const check = checkKrew(manifest, folder);
    await expect(check).rejects.toThrow('the name "prefect" is not that of its file, "prefecto"');
    await expect(check).rejects.toThrow("p.tar.gz: it is not in the folder");
  });
});
