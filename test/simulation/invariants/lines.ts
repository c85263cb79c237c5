// Rules about the lines that agents write to runs' logs.

import type { Scene, Watcher } from "../scene.ts";
import { mayReport } from "./whose.ts";

/**
 * No line is written twice. What came after the process last read the log is nobody's fault; the process that made the run's Job
 * need not read it: of what came after it had sent the line it could not know.
 */
export function noLineTwice(scene: Scene): Watcher {
  return {
    onLine: ({ run, message, by, sentMs, earlier }) => {
      if (by.agent === undefined || earlier === undefined) return;
      const { process } = by.agent;
      const knewMs = scene.knowledge.log(process, run.id) ?? sentMs;
      const isOwn = earlier.by.agent?.process === process;
      if (!isOwn && knewMs < earlier.atMs) return;
      // Prefect has no versions of task runs: two agents in different places may claim the same one at the same moment.
      const claimed = /^Submitted for execution: Job (\S+)$/.exec(message)?.[1];
      if (run.jobs.filter(({ name }) => name === claimed).length > 1) return;
      scene.violated(
        "no line is written twice",
        `${by.name} in the log of ${run.name}: ${message.split("\n")[0]}`,
      );
    },
  };
}

/** Only the run's owner writes to its log. */
export function ownLines(scene: Scene): Watcher {
  return {
    onLine: ({ run, by, message }) => {
      if (by.agent !== undefined && !mayReport(scene, by.agent, run))
        scene.violated(
          "nobody acts on what is another's",
          `${by.name} writes to the log of ${run.name}: ${message}`,
        );
    },
  };
}
