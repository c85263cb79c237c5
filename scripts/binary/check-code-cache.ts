// Runs in a Node of its own (code-cache.ts starts it), flags as in the executable: fails if V8 refuses a cache.

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { compileChunk } from "./load-chunks.ts";

const folder = process.argv[2] ?? ".";

for (const file of readdirSync(folder).filter((name) => name.endsWith(".js"))) {
  const source = readFileSync(join(folder, file), "latin1");
  const codeCache = new Uint8Array(readFileSync(join(folder, `${file}.cache`)));
  if (compileChunk(`./${file}`, { source, codeCache }).cachedDataRejected !== false) {
    console.error(`V8 refuses the code cache of ${file}`);
    process.exitCode = 1;
  }
}
