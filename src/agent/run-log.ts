// Writes lines to flow runs' logs, of many runs in one request. Prefect rejects a whole request for one bad line, such as
// that of a deleted run; then each run's lines are sent separately.

import { attempt, type Answer } from "../base/attempt.ts";
import { withRetry } from "../base/retry.ts";
import { Batcher } from "../base/batch.ts";
import { textOf } from "../base/errors.ts";
import { storable, type RunLog, type RunReporter } from "../orchestrator/run-reporter.ts";
import { PrefectError } from "../orchestrator/errors.ts";
import type { AgentDeps } from "./deps.ts";

interface WriterDeps extends Pick<AgentDeps, "clock" | "log"> {
  readonly runs: Pick<RunReporter, "writeLogs" | "messages">;
}

/** Lines of one run. */
type Group = readonly RunLog[];

/** The logger of what happened in Kubernetes. */
export const LOGGER = "k8s-infra";
/** How the line begins that the agent writes when it has created a Job, whose name follows. */
export const LAUNCHED = "Submitted for execution: Job ";

/** What a second claim writes that finds a Job at work: that Job, and the identifier that its own would have had. */
export function adoptionLine(job: string, identifier = ""): string {
  return `Submitted again: adopted by Job ${job}, which is still active (in place of ...-${identifier})`;
}

/** The same, to read: the Job's name. */
export const ADOPTION_LINE = /^Submitted again: adopted by Job (\S+), /;

const BATCH = { maxSize: 100, maxRequests: 2 };
/** What no state and no deletion waits for: so a burst of launches takes a seventh of the requests. */
const WAIT_MS = 50;
/** For what a submission needs of Prefect. */
export const RETRY = { shape: { firstMs: 250, maxMs: 15_000 }, attempts: 12 };

/** The warning in the agent's log. */
export const REFUSED = "Prefect refuses lines of a run's log";

export class RunLogWriter {
  readonly #deps: WriterDeps;
  readonly #groups: Batcher<Group, Answer<void>>;

  constructor(deps: WriterDeps) {
    this.#deps = deps;
    this.#groups = new Batcher((groups) => send(deps.runs, groups), BATCH, deps.clock);
  }

  /** `mayWait`: for lines of other runs. Throws PrefectError if Prefect has not, or may not have, the lines. */
  async write(lines: Group, { mayWait = false } = {}): Promise<void> {
    const written = await this.#groups.add(lines, mayWait ? WAIT_MS : undefined);
    if (!written.ok) throw written.error;
  }

  /**
   * For submissions: retries until Prefect has the line exactly once; `mayBeThere`: another process may have written it. What
   * Prefect refuses for good is left out: no state waits for it.
   */
  async writeUntilAccepted(line: RunLog, { mayBeThere = false } = {}): Promise<void> {
    const { clock, log, runs } = this.#deps;
    const text = storable(line.message);
    let mustRead = mayBeThere;
    const writeOnce = async (): Promise<void> => {
      if (mustRead && (await runs.messages(line.flowRunId, { containing: [text] })).includes(text)) return;
      mustRead = true;
      await this.write([line], { mayWait: true });
    };
    await withRetry(writeOnce, { clock, ...RETRY }).catch((error: unknown) => {
      if (!isRefusedForGood(error)) throw error;
      log.warn(REFUSED, { flowRun: line.flowRunId, error: textOf(error) });
    });
  }
}

/** Whether Prefect refuses the lines, however often they are sent. */
export function isRefusedForGood(error: unknown): boolean {
  return error instanceof PrefectError && error.failure === "refused";
}

/** Returns whether Prefect has the lines, in the order of the groups. */
async function send(runs: WriterDeps["runs"], groups: readonly Group[]): Promise<readonly Answer<void>[]> {
  const written = await attempt(() => runs.writeLogs(groups.flat()));
  if (written.ok || groups.length === 1 || written.error.retryable) return groups.map(() => written);
  return (await Promise.all(groups.map((group) => send(runs, [group])))).flat();
}
