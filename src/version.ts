// The version of this program, as package.json says it; the build puts the text into the executable.

import manifest from "../package.json" with { type: "json" };

/** Semantic version without the leading `v`: `0.1.0`. */
export const version: string = manifest.version;
