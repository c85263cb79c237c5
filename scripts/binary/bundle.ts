// Bundles the sources into the executable's chunks. A module that is imported with `await import()` becomes a separate chunk, which
// is parsed only when it is used: parsing all code takes four times as long as starting Node.

import { basename, extname, join } from "node:path";
import { build, formatMessages, transform } from "esbuild";
import type { BuildOptions, Plugin, TransformOptions } from "esbuild";
import { ExpectedError, textOf } from "../../src/base/errors.ts";
import { projectPath, readProject } from "../project.ts";

export interface Bundle {
  /** Chunk name (`./main.js`, `./connect-AB12.js`) → CommonJS source, pure ASCII. */
  readonly chunks: ReadonlyMap<string, string>;
  /** The bundled files, relative to the project. */
  readonly inputs: readonly string[];
}

// Identifiers are not minified, for readable stack traces and error class names. With the code cache this costs no time.
const shared = {
  target: "node26",
  platform: "node",
  charset: "ascii",
  legalComments: "none",
  minifySyntax: true,
  minifyWhitespace: true,
} as const satisfies BuildOptions & TransformOptions;

/** src/version.ts imports package.json; only the version is included in the executable. */
const versionOnly: Plugin = {
  name: "version-only",
  setup(building) {
    // The filter is a Go regular expression, without flags.
    building.onLoad({ filter: /package\.json$/ }, async ({ path }) => {
      if (path !== projectPath("package.json")) return undefined;
      const { version } = await readProject();
      return { contents: JSON.stringify({ version }), loader: "json" };
    });
  },
};

/** clipanion asks the terminal for its colours, which this program does itself: without that, `tty` and `net` are not loaded. */
const noColourDepth: Plugin = {
  name: "no-colour-depth",
  setup(building) {
    building.onResolve({ filter: /^\.\.\/platform$/ }, ({ resolveDir }) =>
      resolveDir.includes("clipanion") ? { path: join(resolveDir, "../platform/browser.mjs") } : undefined,
    );
  },
};

/** Bundles the program that starts at this file. */
export async function bundle(entry: string): Promise<Bundle> {
  const built = await build({
    ...shared,
    absWorkingDir: projectPath(),
    entryPoints: { main: entry },
    outdir: projectPath("dist"),
    write: false,
    bundle: true,
    splitting: true,
    format: "esm",
    chunkNames: "[name]-[hash]",
    plugins: [versionOnly, noColourDepth],
    // Of their CommonJS forms, which node resolves to, nothing could be left out.
    alias: {
      clipanion: projectPath("node_modules/clipanion/lib/advanced/index.mjs"),
      graphql: projectPath("node_modules/graphql/index.mjs"),
    },
    define: { "import.meta.url": "importMetaUrl" },
    metafile: true,
    logLevel: "silent",
  }).catch((cause: unknown) => {
    throw new ExpectedError(`cannot bundle "${entry}": ${textOf(cause)}`, { cause });
  });
  for (const warning of await formatMessages(built.warnings, { kind: "warning" })) console.warn(warning);
  const chunks = new Map<string, string>();
  for (const file of built.outputFiles)
    chunks.set(`./${basename(file.path)}`, inAscii(await asCommonJs(file.text)));
  return { chunks, inputs: Object.keys(built.metafile.inputs) };
}

/** The small program that starts the chunks inside the executable. */
export async function bundleBoot(): Promise<string> {
  const built = await build({
    ...shared,
    entryPoints: [projectPath("scripts/binary/boot.ts")],
    write: false,
    bundle: true,
    format: "cjs",
    minify: true,
  });
  return built.outputFiles.map((file) => file.text).join("");
}

/** A chunk that is a whole CommonJS package, imported with `await import()`. */
const wholePackage = /export default require_\w+\(\);\s*$/;

/** esbuild splits only ES modules, but a single executable runs CommonJS: each chunk is converted afterwards. */
async function asCommonJs(source: string): Promise<string> {
  const converted = await transform(source, {
    ...shared,
    format: "cjs",
    supported: { "dynamic-import": false },
  });
  // The importer needs the package's named exports, not only its default export.
  return wholePackage.test(source)
    ? `${converted.code}module.exports=module.exports.default;`
    : converted.code;
}

/** esbuild escapes texts, but no regular expressions; in them the escape means the same. */
function inAscii(code: string): string {
  return code.replaceAll(/[^\0-\x7F]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** The folders of the packages whose code is in the bundle, each once, sorted. */
export function packageFolders(inputs: readonly string[]): readonly string[] {
  const folders = inputs.flatMap((input) => {
    const found = /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input);
    return found !== null && extname(input) !== "" ? [found[0]] : [];
  });
  return [...new Set(folders)].sort();
}
