// Reads files that users name.

import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { ExpectedError, SettingsError, textOf } from "./errors.ts";

/**
 * The text of a file, or undefined when there is no such file. Throws SettingsError when it cannot be read. `latin1`: whatever
 * it is in, as with certificates, of which only ASCII counts.
 */
export function readFromDisk(path: string, encoding?: "latin1"): string | undefined {
  try {
    const bytes = readFileSync(path);
    return encoding === undefined ? decodeText(bytes) : bytes.toString(encoding);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    const ofCode = code === "EACCES" ? "give the current user permission to read the file" : undefined;
    const hint = error instanceof ExpectedError ? error.hint : ofCode;
    throw new SettingsError(`cannot read "${path}": ${causeOf(code, error)}`, { cause: error, hint });
  }
}

/** The text of a file's bytes: UTF-8, or UTF-16 with a byte order mark, as some editors on Windows write it. Throws ExpectedError. */
export function decodeText(bytes: Uint8Array): string {
  const [first, second] = bytes;
  const encoding =
    first === 0xff && second === 0xfe ? "utf-16le" : first === 0xfe && second === 0xff ? "utf-16be" : "utf-8";
  try {
    // The decoder leaves out the mark.
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new ExpectedError("it is not UTF-8", { hint: "save it in UTF-8", cause });
  }
}

/** The path itself, or the files in it if it is a folder. */
export function filesAt(path: string): readonly string[] {
  if (!isFolder(path)) return [path];
  const within = readdirSync(path).map((name) => join(path, name));
  return within.filter((each) => !isFolder(each));
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function causeOf(code: unknown, error: unknown): string {
  if (code === "EACCES" || code === "EPERM") return "permission denied";
  return code === "EISDIR" ? "it is a directory" : textOf(error);
}
