// Lines of many flow runs' logs in one request. Prefect refuses a request for the sake of one line, such as that of a
// run which was deleted meanwhile: then each run's lines go alone, so that nobody's are lost for another's.

import { Batcher } from "../base/batch.ts";
import { isRetryable } from "../base/errors.ts";
import type { PrefectApi, RunLog } from "../prefect1/api.ts";

type Writer = Pick<PrefectApi, "writeLogs">;

/** What became of some lines: an error, or nothing when Prefect has them. */
export type Written = { readonly error: unknown } | undefined;

/** Writes the groups together, or apart where that is refused; the answers stand in the order of the groups. Never rejects. */
export async function writeGroups(
  prefect: Writer,
  groups: readonly (readonly RunLog[])[],
): Promise<readonly Written[]> {
  try {
    await prefect.writeLogs(groups.flat());
    return groups.map(() => undefined);
  } catch (error) {
    if (groups.length === 1 || isRetryable(error)) return groups.map(() => ({ error }));
    const apart = groups.map(async (group) => (await writeGroups(prefect, [group]))[0]);
    return Promise.all(apart);
  }
}

/** Groups of lines that leave together. */
export class LogBatch {
  readonly #groups: Batcher<readonly RunLog[], Written>;

  constructor(prefect: Writer) {
    this.#groups = new Batcher((groups) => writeGroups(prefect, groups), { maxSize: 100, maxRequests: 2 });
  }

  /** Resolves when Prefect has the lines. Throws PrefectError when it has not, or when that is not known. */
  async write(lines: readonly RunLog[]): Promise<void> {
    const written = await this.#groups.add(lines);
    if (written !== undefined) throw written.error;
  }
}
