// launch: what the agent says of its own doings in flow runs' logs: in batches, and once, also when an answer got lost.

import type { AgentDeps } from "../deps.ts";
import { Batcher } from "../../base/batch.ts";
import { retry } from "../../base/backoff.ts";
import type { RunLog } from "../../prefect/api.ts";

const BATCH = { maxSize: 200, maxRequests: 1 };
const PATIENCE = { shape: { firstMs: 250, maxMs: 15_000 }, attempts: 12 };

/** Writes lines together with those of other flow runs. */
export class RunLogWriter {
  readonly #deps: Pick<AgentDeps, "prefect" | "clock">;
  readonly #lines: Batcher<RunLog, undefined>;

  constructor(deps: Pick<AgentDeps, "prefect" | "clock">) {
    this.#deps = deps;
    this.#lines = new Batcher(async (lines) => {
      await this.#write(lines);
      return lines.map(() => undefined);
    }, BATCH);
  }

  /** Resolves when Prefect has the line. Throws PrefectError when it does not want it. */
  async say(line: RunLog): Promise<void> {
    await this.#lines.add(line);
  }

  /** After an answer that got lost only what Prefect does not have is sent again. */
  async #write(lines: readonly RunLog[]): Promise<void> {
    const { prefect, clock } = this.#deps;
    let isRepeat = false;
    await retry(
      async () => {
        const left = isRepeat ? await prefect.unwritten(lines) : lines;
        isRepeat = true;
        await prefect.writeLogs(left);
      },
      { clock, ...PATIENCE },
    );
  }
}
