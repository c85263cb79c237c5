// Removes Node's Authenticode signature from the Windows executable: our program makes it invalid, and Windows treats an invalid
// signature worse than none. Layout: Microsoft's PE format, 64 bit.

import { ExpectedError } from "../../src/base/errors.ts";

/** Index of the data directory that contains the file offset of the certificate table. */
const certificateDirectory = 4;

/** The file without its certificate table. */
export function dropAuthenticode(file: Buffer): Buffer {
  const optional = file.readUInt32LE(0x3c) + 24;
  if (file.toString("latin1", 0, 2) !== "MZ" || file.readUInt16LE(optional) !== 0x20b) {
    throw new ExpectedError(
      "cannot remove the executable's signature: it is not a 64-bit Windows executable",
    );
  }
  const entry = optional + 112 + certificateDirectory * 8;
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
