// A digest of what is mounted or referenced. As an annotation of the pod template it makes `kubectl apply` roll the pod
// when only the key, the configuration or the template changed. The one file of install/ that needs node:crypto.

import { createHash } from "node:crypto";

/** 16 hex digits over the texts, their order and their borders. */
export function checksum(texts: readonly string[]): string {
  return createHash("sha256").update(JSON.stringify(texts)).digest("hex").slice(0, 16);
}
