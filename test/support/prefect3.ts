// A fake Prefect 3 API for the length of one test.

import { onTestFinished } from "vitest";
import { startFakePrefect3 } from "../fakes/prefect3/fake-prefect3.ts";
import type { FakePrefect3, FakePrefect3Options } from "../fakes/prefect3/fake-prefect3.ts";

/** Serves it until the test ends. */
export async function fakePrefect3(
  options: FakePrefect3Options = {},
): Promise<{ readonly fake: FakePrefect3; readonly url: string }> {
  const started = await startFakePrefect3(options);
  onTestFinished(() => started.stop());
  return { fake: started.fake, url: started.url };
}
