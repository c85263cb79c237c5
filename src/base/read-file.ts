// Reads files that users name.

import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { SettingsError, textOf } from "./errors.ts";

/** The text of a file, or undefined when there is no such file. Throws SettingsError when it cannot be read. */
export function readFromDisk(path: string): string | undefined {
  try {
    return decodeText(readFileSync(path));
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    const hint = code === "EACCES" ? "give the current user permission to read the file" : undefined;
    throw new SettingsError(`cannot read "${path}": ${causeOf(code, error)}`, { cause: error, hint });
  }
}

/** The text of a file's bytes: UTF-8, or UTF-16 with a byte order mark, as some editors on Windows write it. */
export function decodeText(bytes: Uint8Array): string {
  const [first, second] = bytes;
  const encoding =
    first === 0xff && second === 0xfe ? "utf-16le" : first === 0xfe && second === 0xff ? "utf-16be" : "utf-8";
  // The decoder leaves out the mark.
  return new TextDecoder(encoding).decode(bytes);
}

/** Whether the bytes of the decoded text were in another encoding, so that characters are lost. */
export function isBroken(text: string): boolean {
  return text.includes("\uFFFD");
}

/** The path itself, or the files in it if it is a folder. */
export function filesAt(path: string): readonly string[] {
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  return isFolder ? readdirSync(path).map((name) => join(path, name)) : [path];
}

function causeOf(code: unknown, error: unknown): string {
  if (code === "EACCES" || code === "EPERM") return "permission denied";
  return code === "EISDIR" ? "it is a directory" : textOf(error);
}
