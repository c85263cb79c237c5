// kubectl prefect logs: what a flow run's pods wrote, whichever Job they are in.

import { once } from "node:events";
import { Command, Option } from "clipanion";
import { parseDuration } from "../../../base/duration.ts";
import type { LogDeps } from "./log-stream.ts";
import type { LogOptions } from "./run-logs.ts";
import { wholeNumber } from "../../../base/whole-number.ts";
import { NamespacedCommand } from "../../options/namespaced-command.ts";

const INTERRUPTED = 130;

export class LogsCommand extends NamespacedCommand {
  static override paths = [["logs"]];
  static override usage = Command.Usage({
    category: "Flow runs",
    description: "print the logs of a flow run's pods",
    details: `
      RUN is a flow run's id, a unique prefix of it (8 characters or more), its name, or job/NAME. Prints the log of the
      container that runs the flow, in the run's newest pod. With -f it goes on: it waits for a pod that has not started,
      follows a retry into its new Job, and ends when the run's Jobs are over.
    `,
    examples: [
      ["Follow a flow run", "$0 logs quick-fox -f"],
      ["What it wrote before it was restarted", "$0 logs quick-fox --previous"],
      ["The last lines of all its pods", "$0 logs 1a2b3c4d --all-pods --tail 20"],
    ],
  });

  target = Option.String({ name: "RUN" });
  follow = Option.Boolean("-f,--follow", false, { description: "go on until the run's Jobs are over" });
  previous = Option.Boolean("-p,--previous", false, { description: "the container's life before this one" });
  container = Option.String("-c,--container", { description: "container; else the one that runs the flow" });
  allContainers = Option.Boolean("--all-containers", false, {
    description: "all containers, each line with its pod and container",
  });
  allPods = Option.Boolean("--all-pods", false, {
    description: "all pods of the run, each line with its pod and container",
  });
  tail = Option.String("--tail", { description: "only so many last lines" });
  since = Option.String("--since", { description: "only lines not older than this, such as 10m" });
  timestamps = Option.Boolean("--timestamps", false, { description: "each line with its time" });

  async execute(): Promise<number> {
    const { signal, clock } = this.context;
    const options = { ...this.#options(), signal };
    const [place, directories] = await Promise.all([this.place(), this.directories()]);
    const { kube } = place.connection;
    const deps: LogDeps = {
      kube,
      clock,
      write: (text) => this.#write(text),
      tell: (line) => this.note(line),
    };
    try {
      const { findRun } = await import("../../find-run.ts");
      const { followRunLogs, printRunLogs } = await import("./run-logs.ts");
      const run = await findRun(this.target, place, { directories, signal });
      const subject = { flowRunId: run.id, namespace: run.namespace ?? place.namespace };
      await (this.follow ? followRunLogs(deps, subject, options) : printRunLogs(deps, subject, options));
      return signal.aborted ? INTERRUPTED : 0;
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
      // The API counts in whole seconds, from 1 on.
      sinceSeconds: sinceMs === undefined ? undefined : Math.max(1, Math.round(sinceMs / 1_000)),
    };
  }

  /** No faster than the reader reads: a log can be larger than the memory. */
  async #write(text: string): Promise<void> {
    const { stdout, signal } = this.context;
    if (!stdout.write(text) && !signal.aborted) await once(stdout, "drain", { signal }).catch(() => {});
  }
}
