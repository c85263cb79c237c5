// kubectl prefect logs: prints the logs of flow runs' pods, or, when these are gone, the runs' logs in Prefect.

import { attempt } from "../../../base/attempt.ts";
import { EXIT, SettingsError, type ExpectedError } from "../../../base/errors.ts";
import { once } from "node:events";
import { stripVTControlCharacters } from "node:util";
import { Command, Option } from "clipanion";
import { parseDuration } from "../../../base/duration.ts";
import type { LogOptions } from "./log-targets.ts";
import type { LogDeps, LoggedRun } from "./run-logs.ts";
import { parseRunRef, shortId } from "../../flow-run-ref.ts";
import { wholeNumber } from "../../../base/whole-number.ts";
import { oneLine, printable, writeRaw, writeStyled } from "../../../output/clean.ts";
import type { Paint } from "../../../output/palette.ts";
import { isTerminal } from "../../options/base-command.ts";
import { NamespacedCommand, NO_RUN } from "../../options/namespaced-command.ts";
import { switchOption, textOption } from "../../options/option-group.ts";
import type { ClusterScope } from "../../cluster-scope.ts";

export class LogsCommand extends NamespacedCommand {
  static override paths = [["logs"]];
  static override usage = Command.Usage({
    category: "Flow runs",
    description: "print the logs of flow runs",
    details: `
      Prints the log of the container that runs the flow, in the run's newest pod; when its pods are gone, the run's log in
      Prefect. With -f waits for a pod that has not started, follows a retry into its new Job, and exits when the run's Jobs
      have finished. job/NAME prints only that Job's pods. With several runs each line starts with the name of its run.
    `,
    examples: [
      ["Follow the logs of a flow run", "$0 logs quick-fox -f"],
      ["Follow the runs of all Jobs with a label", "$0 logs -f -l team=data"],
      ["Print the logs from before the last restart", "$0 logs quick-fox --previous"],
      ["Print the last 20 lines of each of its pods", "$0 logs 1a2b3c4d --all-pods --tail 20"],
    ],
  });

  targets = Option.Rest({ name: "RUN", required: 1 });
  selector = textOption("-l,--selector", "the runs of the Jobs with this label selector, in place of RUN");
  follow = switchOption("-f,--follow", "follow the logs until the run's Jobs have finished");
  previous = switchOption("-p,--previous", "logs of the previous container");
  container = textOption("-c,--container", "container name (default the one that runs the flow)");
  allContainers = switchOption(
    "--all-containers",
    "logs of all containers; each line starts with pod and container",
  );
  allPods = switchOption(
    "--all-pods",
    "logs of all pods of the run's Jobs; each line starts with pod and container",
  );
  tail = textOption("--tail", "number of most recent lines to print (default all)");
  since = textOption("--since", "only lines newer than this, such as 10m");
  #drained: Promise<unknown> | undefined;
  timestamps = switchOption("--timestamps", "start each line with its time");

  execute(): Promise<number> {
    const options = this.#options();
    return this.connected(async (scope) => {
      const { paint } = await this.style();
      const deps: LogDeps = {
        ...scope,
        isTerminal: isTerminal(this.context.stdout),
        write: (bytes, prefix) => this.#write(bytes, prefix),
        printMessage: (line) => this.printMessage(this.completeHint(line)),
      };
      const runs = await this.#runs(scope);
      if (runs.length === 0) this.printNothingFound(scope.namespace);
      const failures = await this.#printAll(deps, runs, { options, paint });
      for (const failure of failures) this.reportError(failure);
      if (this.context.signal.aborted) return EXIT.interrupted;
      return failures.length === 0 ? 0 : EXIT.failure;
    });
  }

  /** With several runs each line starts with its run's name. Returns the errors of single ones; throws that of the only one. */
  async #printAll(
    deps: LogDeps,
    runs: readonly LoggedRun[],
    { options, paint }: { readonly options: LogOptions; readonly paint: Paint },
  ): Promise<readonly ExpectedError[]> {
    const { printRunLogs } = await import("./run-logs.ts");
    const { followRunLogs } = await import("./follow.ts");
    // As in kubectl, the log of a previous container ends.
    const print = this.follow && !this.previous ? followRunLogs : printRunLogs;
    const failures: ExpectedError[] = [];
    const printOne = async (run: LoggedRun, at: number): Promise<void> => {
      const write: LogDeps["write"] = (bytes, prefix) => deps.write(bytes, paint(at, prefix));
      const ownPrefix = `${oneLine(run.job ?? run.name ?? shortId(run.flowRunId))} `;
      const printed = await attempt(() => print({ ...deps, write }, run, { ...options, prefix: ownPrefix }));
      if (!printed.ok) failures.push(printed.error);
    };
    const [only, ...others] = runs;
    if (only !== undefined && others.length === 0) await print(deps, only, options);
    else if (this.follow) await Promise.all(runs.map(printOne));
    else for (const [at, run] of runs.entries()) await printOne(run, at);
    return failures;
  }

  override mayLackRun(): boolean {
    return this.selector !== undefined || super.mayLackRun();
  }

  /** Each run, or Job, once. */
  async #runs(scope: ClusterScope): Promise<readonly LoggedRun[]> {
    const { selector: labelSelector, targets } = this;
    if (labelSelector === undefined) {
      const found = await Promise.all(targets.map((text) => this.#find(text, scope)));
      return [...new Map(found.map((run) => [`${run.flowRunId}/${run.job}`, run])).values()];
    }
    if (targets.some((text) => text !== NO_RUN)) {
      throw new SettingsError("cannot print logs: both RUN and -l are given", {
        hint: "use either RUN or -l",
      });
    }
    const { listJobs } = await import("../../find-run.ts");
    return (await listJobs(scope, { labelSelector })).runs;
  }

  async #find(text: string, scope: ClusterScope): Promise<LoggedRun> {
    const picked = await this.pickedRun(text, scope);
    return { ...(await this.findRun(picked, scope)), job: parseRunRef(picked).job };
  }

  #options(): LogOptions {
    const sinceMs = this.since === undefined ? undefined : parseDuration(this.since, "--since");
    const { container, allContainers, allPods, previous, timestamps } = this;
    const tailLines = this.tail === "-1" ? undefined : wholeNumber(this.tail, "--tail", 0);
    // The API accepts whole seconds, at least 1.
    const sinceSeconds = sinceMs === undefined ? undefined : Math.max(1, Math.round(sinceMs / 1_000));
    return { prefix: "", container, allContainers, allPods, previous, timestamps, tailLines, sinceSeconds };
  }

  /** As it is to a pipe, without colours and controls on a terminal. Waits for the reader, because a log can be larger than memory. */
  async #write(bytes: Buffer, prefix: string): Promise<void> {
    const { stdout, signal } = this.context;
    const shown = (): string => stripVTControlCharacters(bytes.toString("utf8")).replaceAll(/\r\n?/g, "\n");
    const isWritten = isTerminal(stdout)
      ? writeStyled(stdout, prefix + printable(shown()))
      : writeRaw(stdout, prefix === "" ? bytes : Buffer.concat([Buffer.from(prefix), bytes]));
    if (isWritten || signal.aborted) return;
    // One wait for all streams: Node takes more than ten listeners for a leak, and says so on stderr.
    this.#drained ??= once(stdout, "drain", { signal })
      .catch(() => {})
      .finally(() => (this.#drained = undefined));
    await this.#drained;
  }
}
