// Started by code-cache.ts with the executable's Node flags: fails if V8 rejects a code cache.

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { compileChunk } from "./load-chunks.ts";

const folder = process.argv[2] ?? ".";

for (const file of readdirSync(folder).filter((name) => name.endsWith(".js"))) {
  const source = readFileSync(join(folder, file), "latin1");
  const codeCache = new Uint8Array(readFileSync(join(folder, `${file}.cache`)));
  if (compileChunk(`./${file}`, { source, codeCache }).cachedDataRejected !== false) {
    console.error(`V8 rejects the code cache of ${file}`);
    process.exitCode = 1;
  }
}
