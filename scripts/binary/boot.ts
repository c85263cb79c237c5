// The first code that runs in the executable: takes the chunks from its assets and starts the main one.

import { getAssetKeys, getRawAsset } from "node:sea";
import { chunkLoader } from "./load-chunks.ts";

const assets = new Set(getAssetKeys());

chunkLoader({
  read(name) {
    if (!assets.has(name)) return undefined;
    const cache = `${name}.cache`;
    return {
      // ASCII by construction, so Latin-1 reads it right and without looking at each byte.
      source: Buffer.from(getRawAsset(name)).toString("latin1"),
      codeCache: assets.has(cache) ? new Uint8Array(getRawAsset(cache)) : undefined,
    };
  },
})("./main.js");
