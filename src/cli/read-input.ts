// Reads files and standard input that a flag names.

import { SettingsError, textOf } from "../base/errors.ts";
import { decodeText } from "../base/read-file.ts";
import type { CliContext } from "./context.ts";

const CAUSES: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EPERM: "permission denied",
  EISDIR: "it is a directory",
};

/** The text of a file that must exist; `what` describes it in errors. Throws SettingsError. */
export function readInputFile(context: Pick<CliContext, "readFile">, path: string, what: string): string {
  let text: string | undefined;
  try {
    text = context.readFile(path);
  } catch (error) {
    // readFile's own message names the file without its purpose.
    const cause = error instanceof SettingsError && error.cause !== undefined ? error.cause : error;
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
    throw new SettingsError(`cannot read ${what} "${path}": ${CAUSES[code] ?? textOf(cause)}`, {
      cause: error,
    });
  }
  if (text !== undefined) return text;
  throw new SettingsError(`cannot read ${what} "${path}": no such file`, { hint: "check the path" });
}

/** All of standard input. */
export async function readStdin({ stdin }: Pick<CliContext, "stdin">): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stdin) chunks.push(Buffer.from(chunk as string | Uint8Array));
  return decodeText(Buffer.concat(chunks));
}
