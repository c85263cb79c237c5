// Where the fakes' ids and names come from: chance, unless a simulation gives them a source of its own.

import { randomFillSync } from "node:crypto";

type FillBytes = (bytes: Uint8Array) => void;

const byChance: FillBytes = (bytes) => void randomFillSync(bytes);
let fill = byChance;

/** Takes all further bytes from this source; undefined: from chance again. */
export function takeBytesFrom(source: FillBytes | undefined): void {
  fill = source ?? byChance;
}

export function newBytes(count: number): Uint8Array {
  const bytes = new Uint8Array(count);
  fill(bytes);
  return bytes;
}

/** A UUID of version 4. */
export function newUuid(): string {
  const bytes = newBytes(16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return Buffer.from(bytes)
    .toString("hex")
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
