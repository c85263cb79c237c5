// launch: what the agent says of its own doings in flow runs' logs: in batches, and once, also when an answer got lost.

import type { AgentDeps } from "../deps.ts";
import { Batcher } from "../../base/batch.ts";
import { withRetry } from "../../base/backoff.ts";
import { isRetryable } from "../../base/errors.ts";
import type { RunLog } from "../../prefect1/api.ts";
import { writeGroups } from "../log-batch.ts";
import type { Written } from "../log-batch.ts";

/** Nobody waits for these lines: what a busy agent says within a quarter of a second leaves together. */
const BATCH = { maxSize: 200, maxRequests: 1, gatherMs: 250 };
const PATIENCE = { shape: { firstMs: 250, maxMs: 15_000 }, attempts: 12 };

/** Writes lines together with those of other flow runs. */
export class RunLogWriter {
  readonly #deps: Pick<AgentDeps, "prefect" | "clock">;
  readonly #lines: Batcher<RunLog, Written>;

  constructor(deps: Pick<AgentDeps, "prefect" | "clock">) {
    this.#deps = deps;
    this.#lines = new Batcher((lines) => this.#write(lines), BATCH);
  }

  /** Resolves when Prefect has the line. Throws PrefectError when it does not want it. */
  async say(line: RunLog): Promise<void> {
    const written = await this.#lines.add(line);
    if (written !== undefined) throw written.error;
  }

  /** After an answer that got lost only what Prefect does not have is sent again. */
  async #write(lines: readonly RunLog[]): Promise<Written[]> {
    const { prefect, clock } = this.#deps;
    const refused = new Map<RunLog, Written>();
    let left = lines;
    let isRepeat = false;
    const attempt = async (): Promise<void> => {
      if (isRepeat) left = await prefect.unwritten(left);
      isRepeat = true;
      const groups = left.map((line) => [line]);
      const unwritten = (await writeGroups(prefect, groups)).flatMap((written, at) =>
        written === undefined ? [] : (groups[at]?.map((line) => ({ line, ...written })) ?? []),
      );
      for (const { line, error } of unwritten) if (!isRetryable(error)) refused.set(line, { error });
      const unsure = unwritten.filter(({ error }) => isRetryable(error));
      left = unsure.map(({ line }) => line);
      for (const { error } of unsure) throw error;
    };
    await withRetry(attempt, { clock, ...PATIENCE });
    return lines.map((line) => refused.get(line));
  }
}
