// Tar archives: our own, reproducible (the owner is root and the time is fixed), and npm packages.

import { buffer } from "node:stream/consumers";
import { extract, pack } from "tar-stream";
import { packedAtSeconds } from "../project.ts";

/** An entry: a file with `content`, a symbolic link with `linkTo`, otherwise a directory. */
export interface TarEntry {
  /** A relative path with `/`; that of a directory may end in `/`. */
  readonly path: string;
  /** Permission bits, such as 0o755. */
  readonly mode: number;
  readonly content?: Uint8Array | undefined;
  readonly linkTo?: string | undefined;
  /** User and group id; default 0. */
  readonly ownerId?: number | undefined;
}

export interface ReadEntry {
  readonly path: string;
  /** Permission bits. */
  readonly mode: number;
  readonly kind: "file" | "directory" | "link" | "other";
  readonly content: Buffer;
}

/** The archive, with the entries in this order. */
export function tar(entries: readonly TarEntry[]): Promise<Buffer> {
  const archive = pack();
  const mtime = new Date(packedAtSeconds * 1_000);
  for (const { path: name, mode, content, linkTo, ownerId = 0 } of entries) {
    const header = { name, mode, mtime, uid: ownerId, gid: ownerId };
    if (content !== undefined) archive.entry({ ...header, type: "file" }, Buffer.from(content));
    else if (linkTo === undefined) archive.entry({ ...header, type: "directory" });
    else archive.entry({ ...header, type: "symlink", linkname: linkTo });
  }
  archive.finalize();
  return buffer(archive);
}

/** The entries of an uncompressed archive. Throws when it is cut short or damaged. */
export async function untar(archive: Uint8Array): Promise<readonly ReadEntry[]> {
  const reader = extract();
  reader.end(Buffer.from(archive));
  const entries: ReadEntry[] = [];
  for await (const entry of reader) {
    const { name, type, mode } = entry.header;
    const kind = type === "file" || type === "directory" ? type : type === "symlink" ? "link" : "other";
    entries.push({ path: name, mode, kind, content: await buffer(entry) });
  }
  return entries;
}
