// The executable's shared libraries on this machine.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { ExpectedError, textOf } from "../../src/base/errors.ts";

/** Absolute paths, including the dynamic loader. Linux with glibc only. */
export async function librariesOf(executable: string): Promise<readonly string[]> {
  try {
    const done = await promisify(execFile)("ldd", [executable]);
    return parseLdd(done.stdout);
  } catch (cause) {
    throw new ExpectedError(`cannot list the libraries of "${executable}": ${textOf(cause)}`, {
      cause,
      hint: "build the image on Linux with glibc, such as Debian",
    });
  }
}

/** The paths in the output of `ldd`. Throws for a missing library. */
export function parseLdd(text: string): readonly string[] {
  return text.split("\n").flatMap((line) => {
    if (line.includes("not found")) throw new ExpectedError(`cannot find the library "${line.trim()}"`);
    const found = /(?:=> )?(\/\S+) \(0x/u.exec(line)?.[1];
    return found === undefined ? [] : [found];
  });
}
