// Fills krew-manifest.yaml: replaces VERSION, and SHA256_<OS>_<ARCH> with the checksum of that platform's archive.

import { ExpectedError } from "../../src/base/errors.ts";

export interface ManifestValues {
  /** Without the leading `v`. */
  readonly version: string;
  /** `linux_amd64` → lower-case SHA-256 of its archive. */
  readonly sums: ReadonlyMap<string, string>;
}

/** The manifest for krew-index. Throws if template and checksums have different platforms. */
export function fillManifest(template: string, values: ManifestValues): string {
  const unused = new Set(values.sums.keys());
  const filled = template
    .split("\n")
    .filter((line) => !line.startsWith("#"))
    .join("\n")
    .replaceAll("VERSION", `v${values.version}`)
    .replaceAll(/SHA256_([A-Z0-9]+_[A-Z0-9]+)/gu, (placeholder, upper: string) => {
      const platform = upper.toLowerCase();
      const sum = values.sums.get(platform);
      if (sum === undefined)
        throw new ExpectedError(`cannot fill "${placeholder}": no archive was made for it`);
      unused.delete(platform);
      return sum;
    });
  if (unused.size > 0) {
    throw new ExpectedError(`cannot fill the krew manifest: it has no place for "${[...unused].join(", ")}"`);
  }
  return filled;
}
