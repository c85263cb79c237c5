// The first code that runs in the executable: loads the main chunk from its assets.

import { getAssetKeys, getRawAsset } from "node:sea";
import { chunkLoader } from "./load-chunks.ts";

const assets = new Set(getAssetKeys());

chunkLoader({
  read(name) {
    if (!assets.has(name)) return undefined;
    const cache = `${name}.cache`;
    return {
      // The chunks are ASCII, which Latin-1 decodes fastest.
      source: Buffer.from(getRawAsset(name)).toString("latin1"),
      codeCache: assets.has(cache) ? new Uint8Array(getRawAsset(cache)) : undefined,
    };
  },
})("./main.js");
