// The code cache: V8's bytecode of the chunks, so that the start compiles nothing. Only for the building platform, as Node's SEA
// documentation requires. Node's `useCodeCache` covers only the main script and prints a warning if V8 rejects the cache; ours is
// ignored then.

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { projectPath } from "../project.ts";
import { NODE_FLAGS } from "./node-flags.ts";
import { runNode } from "./run-node.ts";

/** The position of V8's flag hash in a cache: the fourth word of SerializedCodeData's header. */
const flagHash = { start: 12, end: 16 };

/** Writes `<chunk>.cache` beside each chunk in the folder. Throws if V8 rejects a cache. */
export async function writeCodeCaches(folder: string, chunkNames: readonly string[]): Promise<void> {
  // A fixed hash seed and a single thread make the build reproducible: which functions have been compiled must not depend on the time.
  // The executable runs without these flags, so the caches get the flag hash of a Node with the executable's; the check at the end
  // verifies that V8 accepts them.
  const seeded = ["--hash-seed=1", "--single-threaded", "--no-flush-bytecode"];
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

/** The cache with the flag hash of the sample. */
export function withFlagsOf(cache: Uint8Array, sample: Uint8Array): Buffer {
  const copy = Buffer.from(cache);
  copy.set(sample.subarray(flagHash.start, flagHash.end), flagHash.start);
  return copy;
}
