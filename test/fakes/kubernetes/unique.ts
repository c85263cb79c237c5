// Names and ids that are new each time.

import { newBytes, newUuid } from "../chance.ts";

/** Kubernetes leaves out vowels and look-alikes, so that no word comes out. */
const LETTERS = "bcdfghjklmnpqrstvwxz2456789";

/** A name from generateName: five more letters; what is too long is cut before them. */
export function generatedName(prefix: string): string {
  const letters = Array.from(newBytes(5), (byte) => LETTERS[byte % LETTERS.length] ?? "x");
  return prefix.slice(0, 58) + letters.join("");
}

/** A uid as metadata.uid has it. */
export function newUid(): string {
  return newUuid();
}

/** Sixteen hexadecimal digits, as the names of events end. */
export function hexSuffix(): string {
  return Buffer.from(newBytes(8)).toString("hex");
}
