// An image archive for all tools: an OCI layout (containerd, skopeo, Docker 25 and later) that also has the manifest.json of
// `docker save`, for older Dockers. Both refer to the same blobs.
// Sources: OCI image specification 1.1 (image-layout, manifest, config); moby's image specification 1.2.

import { gzip, sha256 } from "../archive/gzip.ts";
import { tar } from "../archive/tar.ts";
import type { TarEntry } from "../archive/tar.ts";
import { packedAtSeconds } from "../project.ts";

export interface ImageRequest {
  /** Repository and tag: `ghcr.io/kubectl-prefect/kubectl-prefect:v0.1.0`. */
  readonly name: string;
  /** The architecture as OCI names it: amd64, arm64. */
  readonly architecture: string;
  /** The layers; those that change least come first. */
  readonly layers: readonly (readonly TarEntry[])[];
  /** The `config` of the image: user, entrypoint, labels. */
  readonly config: Readonly<Record<string, unknown>>;
}

interface Blob {
  readonly mediaType: string;
  readonly digest: string;
  readonly content: Buffer;
}

/** The archive, reproducible for the same request. */
export async function imageArchive(request: ImageRequest): Promise<Buffer> {
  const created = new Date(packedAtSeconds * 1000).toISOString();
  const packed = await Promise.all(request.layers.map((entries) => tar(entries)));
  const layers = packed.map((layer) => blob("application/vnd.oci.image.layer.v1.tar+gzip", gzip(layer)));
  const config = json("application/vnd.oci.image.config.v1+json", {
    architecture: request.architecture,
    os: "linux",
    created,
    config: request.config,
    rootfs: { type: "layers", diff_ids: packed.map((layer) => `sha256:${sha256(layer)}`) },
    history: packed.map(() => ({ created, created_by: "kubectl-prefect: npm run image" })),
  });
  const manifest = json("application/vnd.oci.image.manifest.v1+json", {
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    config: descriptor(config),
    layers: layers.map(descriptor),
  });
  const blobs = [config, manifest, ...layers];
  return tar([
    { path: "blobs", mode: 0o755 },
    { path: "blobs/sha256", mode: 0o755 },
    ...blobs.map((one) => ({ path: pathOf(one), mode: 0o644, content: one.content })),
    text("index.json", index(request.name, manifest)),
    text("manifest.json", [{ Config: pathOf(config), RepoTags: [request.name], Layers: layers.map(pathOf) }]),
    text("oci-layout", { imageLayoutVersion: "1.0.0" }),
  ]);
}

/** The specification's annotation has only the tag; containerd has its own annotation for the full name. */
function index(name: string, manifest: Blob): unknown {
  const annotations = {
    "io.containerd.image.name": name,
    "org.opencontainers.image.ref.name": name.slice(name.lastIndexOf(":") + 1),
  };
  return {
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.index.v1+json",
    manifests: [{ ...descriptor(manifest), annotations }],
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
