// Reads files that users name.

import { readFileSync } from "node:fs";
import { SettingsError, textOf } from "./errors.ts";

/** The text of a file, or undefined when there is no such file. Throws SettingsError when it cannot be read. */
export function readFromDisk(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    const hint = code === "EACCES" ? "give the current user permission to read the file" : undefined;
    throw new SettingsError(`cannot read "${path}": ${causeOf(code, error)}`, { cause: error, hint });
  }
}

function causeOf(code: unknown, error: unknown): string {
  if (code === "EACCES" || code === "EPERM") return "permission denied";
  return code === "EISDIR" ? "it is a directory" : textOf(error);
}
