// Reads files and standard input that a flag names.

import { ExpectedError, SettingsError, textOf } from "../base/errors.ts";
import { decodeText } from "../base/read-file.ts";
import type { CliContext } from "./context.ts";

/** The text of a file that must exist; `what` describes it in errors. Throws SettingsError. */
function readInputFile(context: Pick<CliContext, "readFile">, path: string, what: string): string {
  const text = context.readFile(path);
  if (text !== undefined) return text;
  throw new SettingsError(`cannot read ${what} "${path}": no such file`, { hint: "check the path" });
}

/** The text of the file, or of standard input for `-`. Throws as readInputFile, and what the signal aborts with. */
export async function readInput(
  context: Pick<CliContext, "readFile" | "stdin" | "signal">,
  path: string,
  what: string,
): Promise<string> {
  if (path !== "-") return readInputFile(context, path, what);
  const [{ buffer }, { addAbortSignal }] = [
    await import("node:stream/consumers"),
    await import("node:stream"),
  ];
  // Ctrl-C ends a command that waits for somebody to type.
  const bytes = await buffer(addAbortSignal(context.signal, context.stdin));
  try {
    return decodeText(bytes);
  } catch (error) {
    const { hint } = error instanceof ExpectedError ? error : {};
    throw new SettingsError(`cannot read ${what} "-": ${textOf(error)}`, { cause: error, hint });
  }
}
