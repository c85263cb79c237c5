// The code cache: V8's bytecode of the chunks, so that starting compiles nothing. Only for the platform that
// builds (Node's SEA documentation forbids it for any other). Node's own `useCodeCache` is not used: it knows
// only the main script, and prints a warning to stderr wherever V8 refuses the cache; ours is then ignored.

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { projectPath } from "../project.ts";
import { NODE_FLAGS } from "./node-flags.ts";
import { runNode } from "./run-node.ts";

/** Where V8 keeps the hash of its flags in a cache: the fourth word of SerializedCodeData's header. */
const flagHash = { start: 12, end: 16 };

/** Writes `<chunk>.cache` beside each chunk in the folder; throws if V8 would not take them back. */
export async function writeCodeCaches(folder: string, chunkNames: readonly string[]): Promise<void> {
  // A fixed hash seed makes the bytes the same in every build. The executable runs without it, so the caches
  // get the flag hash of a Node with the executable's own flags; the check below is the proof that V8 agrees.
  const seeded = ["--hash-seed=1", "--no-flush-bytecode"];
  await runNode([...seeded, projectPath("scripts/binary/warm.ts"), folder]);
  const sample = await runNode([
    ...NODE_FLAGS,
    "-e",
    'process.stdout.write(new (require("node:vm").Script)("0").createCachedData().toString("base64"))',
  ]);
  for (const name of chunkNames) {
    const path = join(folder, `${name}.cache`);
    await writeFile(path, withFlagsOf(await readFile(path), Buffer.from(sample, "base64")));
  }
  await runNode([...NODE_FLAGS, projectPath("scripts/binary/check-code-cache.ts"), folder]);
}

/** The cache, said to be made under the flags of the sample. */
export function withFlagsOf(cache: Uint8Array, sample: Uint8Array): Buffer {
  const adopted = Buffer.from(cache);
  adopted.set(sample.subarray(flagHash.start, flagHash.end), flagHash.start);
  return adopted;
}
