// Started by code-cache.ts: loads every chunk, runs `--help`, and at exit writes V8's bytecode beside each chunk.

import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Script } from "node:vm";
import { chunkLoader } from "./load-chunks.ts";

const folder = process.argv[2] ?? ".";
const main = "./main.js";
const names = readdirSync(folder)
  .filter((file) => file.endsWith(".js"))
  .sort()
  .map((file) => `./${file}`);

const scripts = new Map<string, Script>();
const load = chunkLoader({
  read: (name) => (names.includes(name) ? { source: readFileSync(join(folder, name), "latin1") } : undefined),
  onCompiled: (name, script) => void scripts.set(name, script),
});

process.once("exit", () => {
  for (const [name, script] of scripts)
    writeFileSync(join(folder, `${name}.cache`), script.createCachedData());
});

for (const name of names) if (name !== main) load(name);
process.argv = [process.execPath, process.execPath, "--help"];
load(main);
