// gzip without a name, a time or the packing system in its header (RFC 1952 §2.3), and checksums as krew writes them.

import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";

/** Equal input gives equal bytes on every platform of one Node release. */
export function gzip(content: Uint8Array): Buffer {
  const packed = gzipSync(content, { level: 9 });
  packed.fill(0, 4, 8);
  packed[9] = 255;
  return packed;
}

/** Lower-case hexadecimal SHA-256. */
export function sha256(content: Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}
