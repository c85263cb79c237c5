// Reads the Dockerfile, which is the only definition of the image.

import { ExpectedError } from "../../src/base/errors.ts";

export interface ImageDefinition {
  /** Debian's release: `trixie`. */
  readonly suite: string;
  readonly packages: readonly string[];
  /** The `config` of the OCI image: user, environment, entrypoint, labels. */
  readonly config: Readonly<Record<string, unknown>> & { readonly User: string };
}

/** `version`: with the leading `v`. Throws for an instruction that is missing. */
export function readDefinition(dockerfile: string, version: string): ImageDefinition {
  const text = dockerfile.replaceAll(/\s*\\\n\s*/g, " ").replaceAll("${VERSION}", version);
  function find(pattern: RegExp): string {
    const found = pattern.exec(text)?.[1];
    if (found === undefined)
      throw new ExpectedError(`cannot read the Dockerfile: it has no ${pattern.source}`);
    return found;
  }
  const labels = find(/^LABEL (.+)$/m).matchAll(/(\S+)="([^"]*)"/g);
  return {
    suite: find(/^FROM debian:(\w+)-slim$/m),
    packages: find(/^ARG PACKAGES="(.+)"$/m).split(" "),
    config: {
      User: find(/^USER (.+)$/m),
      Env: find(/^ENV (.+)$/m).split(" "),
      Entrypoint: JSON.parse(find(/^ENTRYPOINT (.+)$/m)) as unknown,
      WorkingDir: find(/^WORKDIR (.+)$/m),
      Labels: Object.fromEntries([...labels].map(([, name, value]) => [name, value])),
    },
  };
}
