// Writes reproducible tar archives (POSIX ustar): the owner is root and the time is fixed.

import { ExpectedError } from "../../src/base/errors.ts";
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

const blockBytes = 512;

/** The archive, with the entries in this order. Throws for a path that is too long for ustar. */
export function tar(entries: readonly TarEntry[]): Buffer {
  const parts = entries.flatMap((entry) => {
    const content = entry.content ?? new Uint8Array();
    const padding = (blockBytes - (content.length % blockBytes)) % blockBytes;
    return [header(entry, content.length), content, Buffer.alloc(padding)];
  });
  return Buffer.concat([...parts, Buffer.alloc(2 * blockBytes)]);
}

function header(entry: TarEntry, size: number): Buffer {
  const block = Buffer.alloc(blockBytes);
  const { name, prefix } = splitPath(entry);
  const linkTo = entry.linkTo ?? "";
  if (Buffer.byteLength(linkTo) > 100) {
    throw new ExpectedError(`cannot archive "${entry.path}": its link target is longer than 100 bytes`);
  }
  block.write(name, 0);
  octal(block, entry.mode, [100, 8]);
  octal(block, entry.ownerId ?? 0, [108, 8]);
  octal(block, entry.ownerId ?? 0, [116, 8]);
  octal(block, size, [124, 12]);
  octal(block, packedAtSeconds, [136, 12]);
  block.write(" ".repeat(8), 148);
  block.write(typeFlag(entry), 156);
  block.write(linkTo, 157);
  block.write("ustar\u000000", 257);
  block.write(prefix, 345);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\u0000 `, 148);
  return block;
}

function typeFlag(entry: TarEntry): string {
  if (entry.content !== undefined) return "0";
  return entry.linkTo === undefined ? "5" : "2";
}

function octal(block: Buffer, value: number, [offset, width]: readonly [number, number]): void {
  const digits = value.toString(8).padStart(width - 1, "0");
  if (digits.length >= width)
    throw new ExpectedError(`cannot archive the number ${value}: it is too large for ustar`);
  block.write(digits, offset);
}

/** ustar has 100 bytes for the name and 155 for the folders before it. */
function splitPath(entry: TarEntry): { readonly name: string; readonly prefix: string } {
  const directory = entry.content === undefined && entry.linkTo === undefined;
  const path = directory && !entry.path.endsWith("/") ? `${entry.path}/` : entry.path;
  if (Buffer.byteLength(path) <= 100) return { name: path, prefix: "" };
  const cut = path.lastIndexOf("/", path.length - 2);
  const [prefix, name] = [path.slice(0, Math.max(cut, 0)), path.slice(cut + 1)];
  if (Buffer.byteLength(name) > 100 || Buffer.byteLength(prefix) > 155 || prefix === "") {
    throw new ExpectedError(`cannot archive "${path}": the path is too long for ustar`);
  }
  return { name, prefix };
}
