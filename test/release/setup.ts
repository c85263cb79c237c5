// Before the tests of a release: makes dist/release, dist/image.tar and the executable if they are missing or outdated, which takes
// minutes.

import { buildIfOld } from "../e2e/support/build.ts";

/** vitest calls it once. Throws if something cannot be built. */
export default function setup(): void {
  buildIfOld("release/prefect.yaml", "release");
  buildIfOld("image.tar", "image");
  buildIfOld("kubectl-prefect", "build");
}
