import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { gzip, sha256 } from "../../../scripts/archive/gzip.ts";
import { tar, untar } from "../../../scripts/archive/tar.ts";
import { readDefinition } from "../../../scripts/image/definition.ts";
import { imageArchive } from "../../../scripts/image/oci.ts";
import { rootFiles, withFolders } from "../../../scripts/image/root-files.ts";
import { projectPath } from "../../../scripts/project.ts";

const base = gzip(await tar([{ path: "etc/passwd", mode: 0o644, content: Buffer.from("root") }]));
const program = (text: string) => tar([{ path: "run", mode: 0o755, content: Buffer.from(text) }]).then(gzip);
const request = {
  name: "example.com:5000/team/prefect:v1.2.3",
  config: { User: "65532:65532", Entrypoint: ["/run"] },
  layers: new Map([
    ["amd64", [base, await program("x")]],
    ["arm64", [base, await program("y")]],
  ]),
};

const files = new Map(
  (await untar(await imageArchive(request))).map((entry) => [entry.path, Buffer.from(entry.content ?? "")]),
);
const json = (path: string) => JSON.parse(String(files.get(path)));
const blob = (digest: string) => files.get(`blobs/sha256/${digest.replace("sha256:", "")}`);
const [named] = json("index.json").manifests;
const { manifests } = JSON.parse(String(blob(named.digest)));

describe("imageArchive", () => {
  it("names each blob by its SHA-256 sum", () => {
    const blobs = [...files].filter(([path]) => /^blobs\/sha256\/./u.test(path));
    expect(blobs).toHaveLength(8);
    for (const [path, content] of blobs) expect(path).toBe(`blobs/sha256/${sha256(content)}`);
  });

  it("gives one name to the index of both architectures", () => {
    expect(named.annotations).toEqual({
      "io.containerd.image.name": "example.com:5000/team/prefect:v1.2.3",
      "org.opencontainers.image.ref.name": "v1.2.3",
    });
    const platforms = manifests.map(({ platform }: { platform: object }) => platform);
    expect(platforms).toEqual([
      { architecture: "amd64", os: "linux" },
      { architecture: "arm64", os: "linux" },
    ]);
  });

  it.each([0, 1])("has manifest %i, whose layers match the config's diff_ids", (at) => {
    const manifest = JSON.parse(String(blob(manifests[at].digest)));
    const config = JSON.parse(String(blob(manifest.config.digest)));
    const unpacked = manifest.layers.map((layer: { digest: string; size: number }) => {
      expect(blob(layer.digest)?.length).toBe(layer.size);
      return `sha256:${sha256(gunzipSync(blob(layer.digest) ?? ""))}`;
    });
    expect(config.rootfs.diff_ids).toEqual(unpacked);
    expect(config).toMatchObject({ ...manifests[at].platform, config: request.config });
  });

  it("has a manifest.json with the blobs of the first architecture for older Dockers", () => {
    const [entry] = json("manifest.json");
    const manifest = JSON.parse(String(blob(manifests[0].digest)));
    expect(entry.RepoTags).toEqual([request.name]);
    expect(entry.Config).toBe(`blobs/sha256/${manifest.config.digest.slice(7)}`);
    expect(entry.Layers.every((path: string) => files.has(path))).toBe(true);
    expect(entry.Layers).toHaveLength(2);
  });
});

describe("readDefinition", () => {
  const dockerfile = readFileSync(projectPath("scripts", "image", "Dockerfile"), "utf8");

  it("reads base, packages and settings from the Dockerfile", () => {
    const { suite, packages, config } = readDefinition(dockerfile, "v1.2.3");
    expect(suite).toBe("trixie");
    expect(packages).toContain("libstdc++6");
    expect(config).toMatchObject({
      User: "65532:65532",
      Env: expect.arrayContaining(["PATH=/"]),
      Entrypoint: ["/kubectl-prefect"],
      WorkingDir: "/home/nonroot",
      Labels: {
        "org.opencontainers.image.version": "v1.2.3",
        "org.opencontainers.image.licenses": "Apache-2.0",
      },
    });
  });

  it("rejects a Dockerfile without a user", () => {
    expect(() => readDefinition(dockerfile.replace("USER", "#"), "v1.2.3")).toThrow("it has no ^USER");
  });
});

describe("rootFiles", () => {
  const content = Buffer.from("x");
  const unpacked = [
    { path: "./usr/lib/aarch64-linux-gnu/libc.so.6", mode: 0o755, content },
    { path: "./usr/lib/aarch64-linux-gnu/gconv/UTF-16.so", mode: 0o644, content },
    {
      path: "./usr/lib/ld-linux-aarch64.so.1",
      mode: 0o777,
      linkTo: "aarch64-linux-gnu/ld-linux-aarch64.so.1",
    },
    { path: "./usr/share/doc/libc6/copyright", mode: 0o644, content },
    { path: "./usr/share/doc/libc6/changelog.gz", mode: 0o644, content },
    { path: "./usr/share/ca-certificates/mozilla/A.crt", mode: 0o644, content: Buffer.from("A") },
    { path: "./usr/share/ca-certificates/mozilla/B.crt", mode: 0o644, content: Buffer.from("B") },
  ];
  const found = new Map(rootFiles(unpacked, 65_532).map((entry) => [entry.path, entry]));

  it("keeps shared libraries, the loader and copyright files of Debian's packages, and nothing else", () => {
    const files = [...found].filter(([path, entry]) => path.startsWith("usr/") && "content" in entry);
    expect(files.map(([path]) => path)).toEqual([
      "usr/lib/aarch64-linux-gnu/libc.so.6",
      "usr/share/doc/libc6/copyright",
    ]);
    expect(found.get("usr/lib/ld-linux-aarch64.so.1")?.linkTo).toBe(
      "aarch64-linux-gnu/ld-linux-aarch64.so.1",
    );
  });

  it("joins the certificates into the one file that OpenSSL reads", () => {
    expect(String(found.get("etc/ssl/certs/ca-certificates.crt")?.content)).toBe("AB");
  });

  it("has a user, with a home of its own", () => {
    expect(String(found.get("etc/passwd")?.content)).toContain("nonroot:x:65532:65532:");
    expect(found.get("home/nonroot")).toMatchObject({ mode: 0o755, ownerId: 65_532 });
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
