// Tar archives: our own, reproducible (the owner is root and the time is fixed), and the packages of npm and Debian.

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
export async function untar(archive: Uint8Array): Promise<readonly TarEntry[]> {
  const reader = extract();
  reader.end(Buffer.from(archive));
  const entries: TarEntry[] = [];
  for await (const entry of reader) {
    const { name: path, type, mode, linkname: linkTo } = entry.header;
    const content = await buffer(entry);
    if (type === "file") entries.push({ path, mode, content });
    else if (type === "symlink") entries.push({ path, mode, linkTo: linkTo ?? "" });
    else if (type === "directory") entries.push({ path, mode });
  }
  return entries;
}
