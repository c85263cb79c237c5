// Writes lines into flow runs' logs, many runs' in one request. Prefect refuses a request for the sake of one line, such as
// that of a run which was deleted meanwhile: then each run's lines are sent alone, so that nobody's are lost for another's.

import { withRetry } from "../base/backoff.ts";
import { Batcher } from "../base/batch.ts";
import type { Clock } from "../base/clock.ts";
import { isRetryable } from "../base/errors.ts";
import type { RunLog } from "../orchestrator/run-log.ts";
import type { RunReporter } from "../orchestrator/run-reporter.ts";

type Writer = Pick<RunReporter, "writeLogs" | "unwritten">;

/** Lines of one run; `again`: they were sent before, and the answer was lost. */
interface Group {
  readonly lines: readonly RunLog[];
  readonly again: boolean;
}

/** What became of a group: an error, or nothing when Prefect has the lines. */
type Written = { readonly error: unknown } | undefined;

const BATCH = { maxSize: 100, maxRequests: 2 };
const RETRY = { shape: { firstMs: 250, maxMs: 15_000 }, attempts: 12 };

export class RunLogWriter {
  readonly #clock: Clock;
  readonly #groups: Batcher<Group, Written>;

  constructor(runs: Writer, clock: Clock) {
    this.#clock = clock;
    this.#groups = new Batcher((groups) => send(runs, groups), BATCH);
  }

  /** Resolves when Prefect has the lines. Throws PrefectError when it has not, or when that is not known. */
  async write(lines: readonly RunLog[]): Promise<void> {
    await this.#write({ lines, again: false });
  }

  /** The same for one line, which is sent until Prefect has it, once. Throws PrefectError when Prefect refuses it. */
  async writeUntilAccepted(line: RunLog): Promise<void> {
    let again = false;
    const attempt = async (): Promise<void> => {
      const group = { lines: [line], again };
      again = true;
      await this.#write(group);
    };
    await withRetry(attempt, { clock: this.#clock, ...RETRY });
  }

  async #write(group: Group): Promise<void> {
    const written = await this.#groups.add(group);
    if (written !== undefined) throw written.error;
  }
}

/** The answers stand in the order of the groups. Never rejects. */
async function send(runs: Writer, groups: readonly Group[]): Promise<readonly Written[]> {
  try {
    const repeated = groups.filter(({ again }) => again).flatMap(({ lines }) => lines);
    const missing = repeated.length === 0 ? undefined : new Set(await runs.unwritten(repeated));
    const lines = groups.flatMap((group) =>
      group.again ? group.lines.filter((line) => missing?.has(line) === true) : group.lines,
    );
    if (lines.length > 0) await runs.writeLogs(lines);
    return groups.map(() => undefined);
  } catch (error) {
    if (groups.length === 1 || isRetryable(error)) return groups.map(() => ({ error }));
    const apart = groups.map(async (group) => (await send(runs, [group]))[0]);
    return Promise.all(apart);
  }
}
