// Before injection: removes Node's Authenticode signature from the Windows executable. Our program makes it invalid, and Windows treats
// an invalid signature worse than none. After injection: the checksum of the new file. Layout: Microsoft's PE format, 64 bit.

import { ExpectedError } from "../../src/base/errors.ts";

/** Offsets in the optional header. */
const optionalHeader = { magic: 0, checksum: 64, certificateTable: 112 + 4 * 8 };

/** The file without its certificate table. */
export function dropAuthenticode(file: Buffer): Buffer {
  const entry = optionalHeaderAt(file) + optionalHeader.certificateTable;
  const [start, size] = [file.readUInt32LE(entry), file.readUInt32LE(entry + 4)];
  if (size === 0) return file;
  if (start + size !== file.length) {
    throw new ExpectedError(
      "cannot remove the executable's signature: its certificate table is not at the end",
    );
  }
  const unsigned = Buffer.from(file.subarray(0, start));
  unsigned.writeBigUInt64LE(0n, entry);
  return unsigned;
}

/** The file with the checksum of its content. */
export function withChecksum(file: Buffer): Buffer {
  const copy = Buffer.from(file);
  copy.writeUInt32LE(checksumOf(file), optionalHeaderAt(file) + optionalHeader.checksum);
  return copy;
}

/** As CheckSumMappedFile computes it: all 16-bit words but the checksum's own, with carries, plus the length. */
function checksumOf(file: Buffer): number {
  const own = optionalHeaderAt(file) + optionalHeader.checksum;
  let sum = 0;
  for (let at = 0; at + 1 < file.length; at += 2) {
    if (at !== own && at !== own + 2) sum += file.readUInt16LE(at);
  }
  if (file.length % 2 === 1) sum += file.at(-1) ?? 0;
  while (sum > 0xffff) sum = (sum % 0x10000) + Math.floor(sum / 0x10000);
  return sum + file.length;
}

function optionalHeaderAt(file: Buffer): number {
  const at = file.readUInt32LE(0x3c) + 24;
  if (file.toString("latin1", 0, 2) !== "MZ" || file.readUInt16LE(at + optionalHeader.magic) !== 0x20b) {
    throw new ExpectedError("cannot change the executable: it is not a 64-bit Windows executable");
  }
  return at;
}
