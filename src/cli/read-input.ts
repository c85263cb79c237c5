// Files and standard input that a flag names: read whole, and what is wrong with them said in one sentence.

import { SettingsError, textOf } from "../base/errors.ts";
import type { CliContext } from "./context.ts";

const CAUSES: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EPERM: "permission denied",
  EISDIR: "it is a directory",
};

/** The text of a file that must be there; `what` says what it is. Throws SettingsError. */
export function readGivenFile(context: Pick<CliContext, "readFile">, path: string, what: string): string {
  let text: string | undefined;
  try {
    text = context.readFile(path);
  } catch (error) {
    // What reads files has said which one in its own words; here it is known what the file is for.
    const first = error instanceof SettingsError && error.cause !== undefined ? error.cause : error;
    const code = first instanceof Error && "code" in first ? String(first.code) : "";
    throw new SettingsError(`cannot read ${what} "${path}": ${CAUSES[code] ?? textOf(first)}`, {
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
  return Buffer.concat(chunks).toString("utf8");
}
