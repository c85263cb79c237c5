// The hints of problems name what configures a flow run of Prefect 1; here in the words of the run's own Prefect.

import type { PrefectVersion } from "./inventory.ts";

/** Prefect 1's words, and what Prefect 2 and 3 have instead. */
const WORDS: readonly (readonly [RegExp, string])[] = [
  [/memory_limit in the run config/, "the memory limit in the base job template"],
  [/image_pull_secrets/, "imagePullSecrets in the base job template"],
  [/the run config(?: or storage)?/, "the job variables"],
  [/the job template/, "the base job template"],
];

/** The hint for a flow run of this Prefect. */
export function hintFor(version: PrefectVersion, hint: string | undefined): string | undefined {
  if (version === 1) return hint;
  return WORDS.reduce((text, [word, instead]) => text?.replace(word, instead), hint);
}
