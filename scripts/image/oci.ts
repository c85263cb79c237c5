// An image archive for all tools: an OCI layout with one image for several architectures (containerd, skopeo, Docker with the containerd
// image store), that also has the manifest.json of `docker save` with the first architecture, for other Dockers.
// Sources: OCI image specification 1.1 (image-layout, index, manifest, config); moby's image specification 1.2.

import { gunzipSync } from "node:zlib";
import { sha256 } from "../archive/gzip.ts";
import { tar } from "../archive/tar.ts";
import type { TarEntry } from "../archive/tar.ts";
import { packedAtSeconds } from "../project.ts";

export interface ImageRequest {
  /** Repository and tag: `ghcr.io/kubectl-prefect/kubectl-prefect:v0.1.0`. */
  readonly name: string;
  /** The `config` of the image: user, entrypoint, labels. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Architecture as OCI names it → its layers, as tar.gz; those that change least come first. */
  readonly layers: ReadonlyMap<string, readonly Buffer[]>;
}

interface Blob {
  readonly mediaType: string;
  readonly digest: string;
  readonly content: Buffer;
}

/** The image of one architecture. */
interface Image {
  readonly architecture: string;
  readonly config: Blob;
  readonly layers: readonly Blob[];
  readonly manifest: Blob;
}

/** The archive, reproducible for the same request. Throws without any architecture. */
export function imageArchive(request: ImageRequest): Promise<Buffer> {
  const images = [...request.layers].map(([architecture, layers]) =>
    imageOf(request.config, architecture, layers),
  );
  const [first] = images;
  if (first === undefined) throw new Error("an image has at least one architecture");
  const index = json("application/vnd.oci.image.index.v1+json", {
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.index.v1+json",
    manifests: images.map(({ architecture, manifest }) => ({
      ...descriptor(manifest),
      platform: { architecture, os: "linux" },
    })),
  });
  const blobs = [index, ...images.flatMap(({ config, layers, manifest }) => [config, manifest, ...layers])];
  const saved = {
    Config: pathOf(first.config),
    RepoTags: [request.name],
    Layers: first.layers.map(pathOf),
  };
  return tar([
    { path: "blobs", mode: 0o755 },
    { path: "blobs/sha256", mode: 0o755 },
    ...blobs.map((one) => ({ path: pathOf(one), mode: 0o644, content: one.content })),
    text("index.json", layoutIndex(request.name, index)),
    text("manifest.json", [saved]),
    text("oci-layout", { imageLayoutVersion: "1.0.0" }),
  ]);
}

function imageOf(config: object, architecture: string, packed: readonly Buffer[]): Image {
  const created = new Date(packedAtSeconds * 1000).toISOString();
  const layers = packed.map((layer) => blob("application/vnd.oci.image.layer.v1.tar+gzip", layer));
  const configBlob = json("application/vnd.oci.image.config.v1+json", {
    architecture,
    os: "linux",
    created,
    config,
    rootfs: { type: "layers", diff_ids: packed.map((layer) => `sha256:${sha256(gunzipSync(layer))}`) },
    history: packed.map(() => ({ created, created_by: "kubectl-prefect: npm run image" })),
  });
  const manifest = json("application/vnd.oci.image.manifest.v1+json", {
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    config: descriptor(configBlob),
    layers: layers.map(descriptor),
  });
  return { architecture, config: configBlob, layers, manifest };
}

/** The specification's annotation has only the tag; containerd has its own annotation for the full name. */
function layoutIndex(name: string, index: Blob): unknown {
  const annotations = {
    "io.containerd.image.name": name,
    "org.opencontainers.image.ref.name": name.slice(name.lastIndexOf(":") + 1),
  };
  return {
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.index.v1+json",
    manifests: [{ ...descriptor(index), annotations }],
  };
}

function descriptor(one: Blob): { mediaType: string; digest: string; size: number } {
  return { mediaType: one.mediaType, digest: `sha256:${one.digest}`, size: one.content.length };
}

function blob(mediaType: string, content: Buffer): Blob {
  return { mediaType, digest: sha256(content), content };
}

function json(mediaType: string, value: unknown): Blob {
  return blob(mediaType, Buffer.from(JSON.stringify(value)));
}

function pathOf(one: Blob): string {
  return `blobs/sha256/${one.digest}`;
}

function text(path: string, value: unknown): TarEntry {
  return { path, mode: 0o644, content: Buffer.from(JSON.stringify(value)) };
}
