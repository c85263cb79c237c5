// Rules about the states that agents set.

import { takesRun } from "../../../src/orchestrator/agent-identity.ts";
import { isScheduled } from "../../../src/prefect1/states.ts";
import type { RunFact } from "../facts.ts";
import type { Scene, StateEvent, Watcher } from "../scene.ts";
import { knew, mayAdopt, mayReport } from "./whose.ts";

/** From which states an agent may set which. */
const MAY_FOLLOW: Readonly<Record<string, (before: string) => boolean>> = {
  Submitted: (before) => isScheduled(before) || before === "Submitted",
  Failed: (before) => before === "Submitted" || before === "Running",
  Scheduled: (before) => before === "Submitted" || before === "Running",
  Cancelled: (before) => before === "Cancelling",
};

/** No state is overwritten that was not judged: what a process has read, it does not overwrite. */
export function judgedStates(scene: Scene): Watcher {
  const rule = "no state is overwritten that was not judged";
  return {
    onState: ({ run, before, now }) => {
      const { agent, name } = now.by;
      if (agent === undefined || before === undefined) return;
      const mayFollow = MAY_FOLLOW[now.type]?.(before.type) ?? false;
      const read = scene.knowledge.state(agent.process, run.id);
      if (
        !mayFollow &&
        (isVersioned(scene) || read === undefined || knew(scene, agent.process, { run, state: before }))
      )
        scene.violated(rule, `${name} sets ${run.name} from ${before.type} to ${now.type}`);
      const written = lastWrite(run.lines, agent.process);
      if (now.type !== "Submitted" && read !== undefined && read.atMs < written)
        scene.violated(
          rule,
          `${name} sets ${run.name} to ${now.type} without reading its state after its log`,
        );
    },
  };
}

function isVersioned(scene: Scene): boolean {
  return scene.plan.flavour === "cloud with versions";
}

/** When the process wrote last to the run's log, apart from the line about its launch, which explains no state. */
function lastWrite(lines: RunFact["lines"], process: unknown): number {
  let lastMs = -Infinity;
  for (const [line, { atMs, by }] of lines)
    if (by.agent?.process === process && !line.startsWith("Submitted for execution: "))
      lastMs = Math.max(lastMs, atMs);
  return lastMs;
}

/** Only the run's owner sets its state; whoever has its labels may claim it. */
export function ownStates(scene: Scene): Watcher {
  const rule = "nobody acts on what is another's";
  return {
    onState: ({ run, before, now }) => {
      const { agent, name } = now.by;
      if (agent === undefined) return;
      if (now.type === "Submitted") {
        const owner = before?.by.agent?.plan;
        if (!takesRun(agent.plan.labels, run.plan.labels) && !mayAdopt(scene, agent, { owner, run }))
          scene.violated(rule, `${name} claims ${run.name}`);
      } else if (!mayReport(scene, agent, run))
        scene.violated(rule, `${name} sets ${run.name} to ${now.type}`);
    },
  };
}

/** No run fails, or starts again, without a fault of its own. */
export function failedForAReason(scene: Scene): Watcher {
  const rule = "no run fails without a fault of its own";
  return {
    onState: (event) => {
      const { run, now } = event;
      const { agent, name } = now.by;
      if (agent === undefined) return;
      if (now.type === "Failed" && run.causes.length === 0)
        scene.violated(rule, `${name}: ${run.name}: ${now.message}`);
      const isDisrupted = run.causes.some(({ isDisruption }) => isDisruption);
      if (now.type === "Scheduled" && (!isDisrupted || agent.plan.onDisruption === "fail"))
        scene.violated(rule, `${name} starts ${run.name} again: ${now.message}`);
      checkCancelled(scene, event);
    },
  };
}

function checkCancelled(scene: Scene, { run, now }: StateEvent): void {
  if (now.type !== "Cancelled") return;
  const pods = scene.world.kubes.flatMap((kube) => kube.list("pods"));
  const runs = pods.filter(
    ({ metadata, status }) =>
      (metadata.ownerReferences ?? []).some(({ uid }) => scene.jobs.get(uid)?.run === run) &&
      status?.["phase"] === "Running" &&
      metadata.deletionTimestamp === undefined &&
      !scene.lostPods.has(metadata.uid),
  );
  if (runs.length > 0)
    scene.violated("a run is Cancelled when nothing of it runs", `${now.by.name}: a pod of ${run.name} runs`);
}
