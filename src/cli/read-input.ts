// Reads files and standard input that a flag names.

import { ExpectedError, SettingsError, textOf } from "../base/errors.ts";
import { decodeText } from "../base/read-file.ts";
import type { CliContext } from "./context.ts";

/** The text of the file, which must exist, or of standard input for `-`. Throws SettingsError, and what the signal aborts with. */
export async function readInput(
  context: Pick<CliContext, "readFile" | "stdin" | "signal">,
  path: string,
  what: string,
): Promise<string> {
  if (path !== "-") {
    const text = context.readFile(path);
    if (text !== undefined) return text;
    throw new SettingsError(`cannot read ${what} "${path}": no such file`, { hint: "check the path" });
  }
  const { buffer } = await import("node:stream/consumers");
  const { addAbortSignal } = await import("node:stream");
  // Ctrl-C ends a command that waits for somebody to type.
  const bytes = await buffer(addAbortSignal(context.signal, context.stdin));
  try {
    return decodeText(bytes);
  } catch (error) {
    const { hint } = error instanceof ExpectedError ? error : {};
    throw new SettingsError(`cannot read ${what} "-": ${textOf(error)}`, { cause: error, hint });
  }
}
