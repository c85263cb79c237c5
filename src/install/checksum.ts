// A digest of the mounted files and the key. As an annotation of the pod template it makes `kubectl apply` restart the pod
// when only the key, the configuration or the job template has changed.

import { createHash } from "node:crypto";

/** 16 hex digits of the texts in their order. */
export function checksum(texts: readonly string[]): string {
  return createHash("sha256").update(JSON.stringify(texts)).digest("hex").slice(0, 16);
}
