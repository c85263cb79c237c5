// Finds and runs the chunks of the bundle: `require` as they see it. Used inside the executable (boot.ts) and
// at build time (warm.ts), so that the code cache is made of exactly the scripts that will ask for it.

import { dirname } from "node:path";
import { pathToFileURL } from "node:url";
import { Script } from "node:vm";

export interface Chunk {
  readonly source: string;
  /** What V8 compiled at build time. A cache that V8 refuses costs time and nothing else. */
  readonly codeCache?: Uint8Array<ArrayBuffer> | undefined;
}

export interface ChunkStore {
  readonly read: (name: string) => Chunk | undefined;
  /** Told of each script before it runs. */
  readonly onCompiled?: (name: string, script: Script) => void;
}

type Require = (name: string) => unknown;

/** A chunk's script: CommonJS, with `import.meta.url` (see bundle.ts) as one more parameter. */
export function compileChunk(name: string, chunk: Chunk): Script {
  const parameters = "exports,require,module,__filename,__dirname,importMetaUrl";
  return new Script(`(function(${parameters}){${chunk.source}\n})`, {
    filename: name,
    ...(chunk.codeCache === undefined ? {} : { cachedData: chunk.codeCache }),
  });
}

/** A `require` that knows the chunks and Node's own modules, and runs each chunk once. */
export function chunkLoader(store: ChunkStore): Require {
  const modules = new Map<string, { exports: unknown }>();
  function load(name: string): unknown {
    const known = modules.get(name);
    if (known !== undefined) return known.exports;
    const chunk = store.read(name);
    if (chunk === undefined) return builtin(name);
    const script = compileChunk(name, chunk);
    store.onCompiled?.(name, script);
    const module = { exports: {} as unknown };
    modules.set(name, module);
    const file = process.execPath;
    script.runInThisContext()(module.exports, load, module, file, dirname(file), pathToFileURL(file).href);
    return module.exports;
  }
  return load;
}

/** Packages probe for optional ones and look at this code to see that there is none. */
function builtin(name: string): unknown {
  const found: unknown = process.getBuiltinModule(name);
  if (found !== undefined) return found;
  throw Object.assign(new Error(`Cannot find module '${name}'`), { code: "MODULE_NOT_FOUND" });
}
