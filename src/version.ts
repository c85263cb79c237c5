// The version from package.json; the build inlines it into the executable.

import manifest from "../package.json" with { type: "json" };

/** Semantic version without the leading `v`: `0.1.0`. */
export const version: string = manifest.version;
