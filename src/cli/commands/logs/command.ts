// kubectl prefect logs: prints the logs of a flow run's pods.

import { EXIT } from "../../../base/errors.ts";
import { once } from "node:events";
import { stripVTControlCharacters } from "node:util";
import { Command, Option } from "clipanion";
import { parseDuration } from "../../../base/duration.ts";
import type { LogDeps } from "./log-stream.ts";
import type { LogOptions } from "./run-logs.ts";
import { wholeNumber } from "../../../base/whole-number.ts";
import { writeRaw } from "../../../output/clean.ts";
import { isTerminal } from "../../options/base-command.ts";
import { NamespacedCommand } from "../../options/namespaced-command.ts";

export class LogsCommand extends NamespacedCommand {
  static override paths = [["logs"]];
  static override usage = Command.Usage({
    category: "Flow runs",
    description: "print the logs of a flow run's pods",
    details: `
      RUN is a flow run's id, a unique prefix of it (8 characters or more), its name, or job/NAME for the run of a Job.

      Prints the log of the container that runs the flow, in the run's newest pod. With -f waits for a pod that has not
      started, follows a retry into its new Job, and exits when the run's Jobs have finished.
    `,
    examples: [
      ["Follow the logs of a flow run", "$0 logs quick-fox -f"],
      ["Print the logs from before the last restart", "$0 logs quick-fox --previous"],
      ["Print the last 20 lines of each of its pods", "$0 logs 1a2b3c4d --all-pods --tail 20"],
    ],
  });

  target = Option.String({ name: "RUN" });
  follow = Option.Boolean("-f,--follow", false, {
    description: "follow the logs until the run's Jobs have finished",
  });
  previous = Option.Boolean("-p,--previous", false, { description: "logs of the previous container" });
  container = Option.String("-c,--container", {
    description: "container name (default the one that runs the flow)",
  });
  allContainers = Option.Boolean("--all-containers", false, {
    description: "logs of all containers; each line starts with pod and container",
  });
  allPods = Option.Boolean("--all-pods", false, {
    description: "logs of all pods of the run; each line starts with pod and container",
  });
  tail = Option.String("--tail", { description: "number of most recent lines to print (default all)" });
  since = Option.String("--since", { description: "only lines newer than this, such as 10m" });
  readonly #decoder = new TextDecoder();
  timestamps = Option.Boolean("--timestamps", false, { description: "start each line with its time" });

  async execute(): Promise<number> {
    const { signal, clock } = this.context;
    const options = { ...this.#options(), signal };
    const [scope, directories] = await Promise.all([this.connectCluster(), this.directories()]);
    const { kube } = scope.connection;
    const deps: LogDeps = {
      kube,
      clock,
      write: (bytes) => this.#write(bytes),
      printMessage: (line) => this.printMessage(line),
    };
    try {
      const { findRun } = await import("../../find-run.ts");
      const { followRunLogs, printRunLogs } = await import("./run-logs.ts");
      const run = await findRun(this.target, scope, { directories, signal });
      const target = { flowRunId: run.id, namespace: run.namespace ?? scope.namespace };
      await (this.follow ? followRunLogs(deps, target, options) : printRunLogs(deps, target, options));
      return signal.aborted ? EXIT.interrupted : 0;
    } finally {
      directories.close();
      kube.close();
    }
  }

  #options(): LogOptions {
    const sinceMs = this.since === undefined ? undefined : parseDuration(this.since, "--since");
    return {
      container: this.container,
      allContainers: this.allContainers,
      allPods: this.allPods,
      previous: this.previous,
      timestamps: this.timestamps,
      tailLines: this.tail === "-1" ? undefined : wholeNumber(this.tail, "--tail", 0),
      // The API accepts whole seconds, at least 1.
      sinceSeconds: sinceMs === undefined ? undefined : Math.max(1, Math.round(sinceMs / 1_000)),
    };
  }

  /** As it is to a pipe, without colours and controls on a terminal. Waits for the reader, because a log can be larger than memory. */
  async #write(bytes: Buffer): Promise<void> {
    const { stdout, signal } = this.context;
    const isWritten = isTerminal(stdout)
      ? stdout.write(shown(this.#decoder.decode(bytes, { stream: true })))
      : writeRaw(stdout, bytes);
    if (!isWritten && !signal.aborted) await once(stdout, "drain", { signal }).catch(() => {});
  }
}

function shown(log: string): string {
  return stripVTControlCharacters(log).replaceAll(/\r\n?/g, "\n");
}
