// Names and ids that are new each time.

import { randomBytes, randomInt, randomUUID } from "node:crypto";

/** Kubernetes leaves out vowels and look-alikes, so that no word comes out. */
const LETTERS = "bcdfghjklmnpqrstvwxz2456789";

/** A name from generateName: five more letters; what is too long is cut before them. */
export function generatedName(prefix: string): string {
  const letters = Array.from({ length: 5 }, () => LETTERS[randomInt(LETTERS.length)] ?? "x");
  return prefix.slice(0, 58) + letters.join("");
}

/** A uid as metadata.uid has it. */
export function newUid(): string {
  return randomUUID();
}

/** Sixteen hexadecimal digits, as the names of events end. */
export function hexSuffix(): string {
  return randomBytes(8).toString("hex");
}
