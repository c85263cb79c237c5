// Reads files and standard input that a flag names.

import { SettingsError } from "../base/errors.ts";
import { decodeText } from "../base/read-file.ts";
import type { CliContext } from "./context.ts";

/** The text of a file that must exist; `what` describes it in errors. Throws SettingsError. */
export function readInputFile(context: Pick<CliContext, "readFile">, path: string, what: string): string {
  const text = context.readFile(path);
  if (text !== undefined) return text;
  throw new SettingsError(`cannot read ${what} "${path}": no such file`, { hint: "check the path" });
}

export async function readStdin({ stdin }: Pick<CliContext, "stdin">): Promise<string> {
  const { buffer } = await import("node:stream/consumers");
  return decodeText(await buffer(stdin));
}
