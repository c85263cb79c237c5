// Starts the current Node without the user's environment, so that builds are reproducible.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { ExpectedError, textOf } from "../../src/base/errors.ts";

/** Runs Node with these arguments in this folder; returns its stdout. Throws an error with its stderr. */
export async function runNode(args: readonly string[], cwd?: string): Promise<string> {
  const { PATH = "", SystemRoot } = process.env;
  const env = SystemRoot === undefined ? { PATH } : { PATH, SystemRoot };
  try {
    const done = await promisify(execFile)(process.execPath, args, { env, cwd, maxBuffer: 64 * 1024 * 1024 });
    return done.stdout;
  } catch (cause) {
    throw new ExpectedError(`cannot run node "${args.join(" ")}": ${textOf(cause)}`, { cause });
  }
}
