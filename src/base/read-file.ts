// A file's text, read from the disk: none is an answer, everything else that is wrong with it is said in words.

import { readFileSync } from "node:fs";
import { SettingsError, textOf } from "./errors.ts";

/** The text of a file, or undefined when there is none. Throws SettingsError for a directory, or one that may not be read. */
export function readFromDisk(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    const hint = code === "EACCES" ? "let the user that runs this read the file" : undefined;
    throw new SettingsError(`cannot read "${path}": ${causeOf(code, error)}`, { cause: error, hint });
  }
}

function causeOf(code: unknown, error: unknown): string {
  if (code === "EACCES" || code === "EPERM") return "permission denied";
  return code === "EISDIR" ? "it is a directory" : textOf(error);
}
