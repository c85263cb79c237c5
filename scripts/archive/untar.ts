// Reads tar archives: npm packages, and our own archives for checks.

import { ExpectedError } from "../../src/base/errors.ts";

export interface ReadEntry {
  readonly path: string;
  /** Permission bits. */
  readonly mode: number;
  readonly kind: "file" | "directory" | "link" | "other";
  /** A view into the archive, not a copy. */
  readonly content: Buffer;
}

const blockBytes = 512;

/** The entries of an uncompressed ustar archive, ignoring pax headers. Throws for a truncated archive. */
export function* untar(archive: Buffer): Generator<ReadEntry> {
  for (let offset = 0; offset + blockBytes <= archive.length;) {
    const block = archive.subarray(offset, offset + blockBytes);
    if (block[0] === 0) return;
    const size = Number.parseInt(textAt(block, 124, 12), 8);
    const start = offset + blockBytes;
    if (!Number.isInteger(size) || start + size > archive.length) {
      throw new ExpectedError(`cannot read the archive at byte ${offset}: it is damaged or cut short`);
    }
    const prefix = textAt(block, 257, 6) === "ustar" ? textAt(block, 345, 155) : "";
    const name = textAt(block, 0, 100);
    yield {
      path: prefix === "" ? name : `${prefix}/${name}`,
      mode: Number.parseInt(textAt(block, 100, 8), 8),
      kind: kindOf(textAt(block, 156, 1)),
      content: archive.subarray(start, start + size),
    };
    offset = start + Math.ceil(size / blockBytes) * blockBytes;
  }
}

function textAt(block: Buffer, offset: number, width: number): string {
  const field = block.subarray(offset, offset + width);
  const end = field.indexOf(0);
  return field.toString("utf8", 0, end < 0 ? width : end).trim();
}

function kindOf(flag: string): ReadEntry["kind"] {
  if (flag === "0" || flag === "") return "file";
  if (flag === "5") return "directory";
  return flag === "2" ? "link" : "other";
}
