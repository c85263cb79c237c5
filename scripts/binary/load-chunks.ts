// The `require` of the bundle's chunks. Used in the executable (boot.ts) and at build time (warm.ts), so that the code cache is made
// from exactly the same scripts.

import { dirname } from "node:path";
import { pathToFileURL } from "node:url";
import { Script } from "node:vm";

export interface Chunk {
  readonly source: string;
  /** V8's bytecode from the build. V8 ignores a cache that does not match. */
  readonly codeCache?: Uint8Array<ArrayBuffer> | undefined;
}

export interface ChunkStore {
  readonly read: (name: string) => Chunk | undefined;
  /** Called for each script before it runs. */
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

/** A `require` for chunks and Node's own modules, which runs each chunk once. */
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

/** Throws MODULE_NOT_FOUND, by which packages detect that an optional dependency is missing. */
function builtin(name: string): unknown {
  const found: unknown = process.getBuiltinModule(name);
  if (found !== undefined) return found;
  throw Object.assign(new Error(`Cannot find module '${name}'`), { code: "MODULE_NOT_FOUND" });
}
