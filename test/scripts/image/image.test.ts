import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { sha256 } from "../../../scripts/archive/gzip.ts";
import { untar } from "../../../scripts/archive/tar.ts";
import { parseLdd } from "../../../scripts/image/libraries.ts";
import { imageArchive } from "../../../scripts/image/oci.ts";
import { withFolders } from "../../../scripts/image/root-files.ts";

const request = {
  name: "example.com:5000/team/prefect:v1.2.3",
  architecture: "amd64",
  layers: [
    [{ path: "etc/passwd", mode: 0o644, content: Buffer.from("root") }],
    [{ path: "run", mode: 0o755, content: Buffer.from("x") }],
  ],
  config: { User: "65532:65532", Entrypoint: ["/run"] },
};

const files = new Map((await untar(await imageArchive(request))).map((entry) => [entry.path, entry.content]));
const json = (path: string) => JSON.parse(String(files.get(path)));
const blob = (digest: string) => files.get(`blobs/sha256/${digest.replace("sha256:", "")}`);

describe("imageArchive", () => {
  it("names each blob by its SHA-256 sum", () => {
    const blobs = [...files].filter(([path]) => /^blobs\/sha256\/./u.test(path));
    expect(blobs).toHaveLength(4);
    for (const [path, content] of blobs) expect(path).toBe(`blobs/sha256/${sha256(content)}`);
  });

  it("has an index with a manifest whose layers match the config's diff_ids", () => {
    const [entry] = json("index.json").manifests;
    expect(entry.annotations).toEqual({
      "io.containerd.image.name": "example.com:5000/team/prefect:v1.2.3",
      "org.opencontainers.image.ref.name": "v1.2.3",
    });
    const manifest = JSON.parse(String(blob(entry.digest)));
    const config = JSON.parse(String(blob(manifest.config.digest)));
    const unpacked = manifest.layers.map((layer: { digest: string; size: number }) => {
      expect(blob(layer.digest)?.length).toBe(layer.size);
      return `sha256:${sha256(gunzipSync(blob(layer.digest) ?? ""))}`;
    });
    expect(config.rootfs.diff_ids).toEqual(unpacked);
    expect(config).toMatchObject({ os: "linux", architecture: "amd64", config: request.config });
  });

  it("has a manifest.json with the same blobs for older Dockers", () => {
    const [entry] = json("manifest.json");
    const [{ digest }] = json("index.json").manifests;
    const manifest = JSON.parse(String(blob(digest)));
    expect(entry.RepoTags).toEqual([request.name]);
    expect(entry.Config).toBe(`blobs/sha256/${manifest.config.digest.slice(7)}`);
    expect(entry.Layers.every((path: string) => files.has(path))).toBe(true);
    expect(entry.Layers).toHaveLength(2);
  });
});

describe("withFolders", () => {
  it("adds each folder once before its content, and keeps a folder's own mode", () => {
    const content = Buffer.alloc(0);
    const entries = withFolders([
      { path: "usr/lib/b", mode: 0o644, content },
      { path: "tmp/x", mode: 0o644, content },
      { path: "tmp", mode: 0o1777 },
      { path: "usr/lib/a", mode: 0o644, content },
    ]);
    expect(entries.map((entry) => [entry.path, entry.mode.toString(8)])).toEqual([
      ["tmp", "1777"],
      ["tmp/x", "644"],
      ["usr", "755"],
      ["usr/lib", "755"],
      ["usr/lib/a", "644"],
      ["usr/lib/b", "644"],
    ]);
  });
});

describe("parseLdd", () => {
  it("returns libraries and the loader, without the kernel's vdso", () => {
    const text =
      "\tlinux-vdso.so.1 (0x00007ff5)\n\tlibm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x00007ff5)\n" +
      "\t/lib64/ld-linux-x86-64.so.2 (0x00007ff5)\n";
    expect(parseLdd(text)).toEqual(["/lib/x86_64-linux-gnu/libm.so.6", "/lib64/ld-linux-x86-64.so.2"]);
  });

  it("throws for a missing library", () => {
    expect(() => parseLdd("\tlibatomic.so.1 => not found\n")).toThrow("libatomic.so.1");
  });
});
