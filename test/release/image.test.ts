// The image archive: both architectures, small, without root, and able to start.

import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { untar } from "../../scripts/archive/tar.ts";
import { projectPath } from "../../scripts/project.ts";
import { installed, version } from "./support.ts";

const run = promisify(execFile);
const PROCESSORS: Readonly<Record<string, string>> = { amd64: "x86_64", arm64: "aarch64" };

const entries = await untar(readFileSync(projectPath("dist", "image.tar")));
const files = new Map(entries.map(({ path, content }) => [path, Buffer.from(content ?? "")]));

function blob(digest: string): Buffer {
  const content = files.get(`blobs/sha256/${digest.replace("sha256:", "")}`);
  if (content === undefined) throw new Error(`the archive has no blob ${digest}`);
  return content;
}

function json(digest: string) {
  return JSON.parse(String(blob(digest)));
}

const [named] = JSON.parse(String(files.get("index.json"))).manifests;
const { manifests } = json(named.digest) as {
  manifests: readonly { digest: string; platform: { architecture: string } }[];
};
const images = manifests.map(({ digest, platform }) => ({ ...platform, manifest: json(digest) }));

describe.each(images)("the image for $architecture", ({ architecture, manifest }) => {
  // It takes the loader and the libraries from the image, whatever this machine's processor is.
  const name = `qemu-${PROCESSORS[architecture]}`;
  const qemu = installed(`${name}-static`, name);
  if (qemu === undefined)
    process.stderr.write(`skipped, the ${architecture} image starts: ${name}-static is not on the PATH\n`);
  let root: string;

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "kubectl-prefect-root-"));
    for (const { digest } of manifest.layers) {
      const layer = join(root, "layer.tar.gz");
      await writeFile(layer, blob(digest));
      await run("tar", ["-xzf", layer, "-C", root, "--no-same-owner"]);
      await rm(layer);
    }
  });

  afterAll(async () => {
    await rm(root, { recursive: true, force: true });
  });

  it("has at most 100 MB, compressed", () => {
    const sizes = manifest.layers.map(({ size }: { size: number }) => size);
    expect(sizes.reduce((sum: number, size: number) => sum + size, 0)).toBeLessThan(100_000_000);
  });

  it("does not run as root", () => {
    expect(json(manifest.config.digest).config.User).toBe("65532:65532");
  });

  it("has certificates that OpenSSL can read", async () => {
    const bundle = readFileSync(join(root, "etc/ssl/certs/ca-certificates.crt"), "utf8");
    expect(bundle.match(/-----BEGIN CERTIFICATE-----\n/g)?.length).toBeGreaterThan(100);
  });

  it.runIf(qemu)("starts, with the libraries in it", async () => {
    const { stdout } = await run(qemu!, ["-L", root, join(root, "kubectl-prefect"), "version"]);
    expect(stdout).toContain(version);
  });
});
