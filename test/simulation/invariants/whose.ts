// Whose a Job or a run is, and what a process knew when it acted.

import { agentKey, isSameAgent, takesRun } from "../../../src/orchestrator/agent-identity.ts";
import type { AgentIdentity } from "../../../src/orchestrator/agent-identity.ts";
import type { AgentActor, JobFact, RunFact, StateFact } from "../facts.ts";
import type { Process } from "../process.ts";
import type { Scene } from "../scene.ts";

/** Whether the Job is the agent's: by its annotation, or because its owner is gone and the agent may adopt it. */
export function isOwner(scene: Scene, agent: AgentActor | undefined, job: JobFact): boolean {
  if (agent === undefined) return false;
  const { plan } = agent;
  if (job.cluster !== plan.cluster % scene.world.kubes.length || job.namespace !== plan.namespace)
    return false;
  if (job.run.prefect !== plan.prefect % scene.world.prefects.length) return false;
  if (job.owner !== undefined && isSame(job.owner, plan)) return true;
  return mayAdopt(scene, agent, { owner: job.owner, run: job.run });
}

/** Whether the agent may adopt what that one has left. */
export function mayAdopt(
  scene: Scene,
  { plan }: AgentActor,
  { owner, run }: { readonly owner: AgentIdentity | undefined; readonly run: RunFact },
): boolean {
  if (owner === undefined || !scene.isGone(run.prefect, owner)) return false;
  return owner.name === plan.name || takesRun(plan.labels, run.plan.labels);
}

/** Whether the run is the agent's to report: by one of its Jobs, or by its last claim. */
export function mayReport(scene: Scene, agent: AgentActor, run: RunFact): boolean {
  if (run.jobs.some((job) => isOwner(scene, agent, job))) return true;
  const claimer = run.claimer?.agent;
  if (claimer === undefined) return false;
  if (claimer.at === agent.at) return true;
  return isSamePlace(scene, claimer, agent) && mayAdopt(scene, agent, { owner: claimer.plan, run });
}

function isSamePlace(scene: Scene, { plan: one }: AgentActor, { plan: other }: AgentActor): boolean {
  const clusters = scene.world.kubes.length;
  return one.namespace === other.namespace && one.cluster % clusters === other.cluster % clusters;
}

/** Whether both are the same agent of one Prefect. */
export function isSame(one: AgentIdentity, other: AgentIdentity): boolean {
  return isSameAgent({ name: one.name, labels: one.labels }, { name: other.name, labels: other.labels });
}

export function nameOwner({ owner }: JobFact): string {
  return owner === undefined ? "nobody" : agentKey(owner);
}

/** Whether the process has read the run's newest state. What came after its last read is nobody's fault. */
export function knewBetter(scene: Scene, process: Process, run: RunFact): boolean {
  return knew(scene, process, { run, state: run.states.at(-1) });
}

/** Whether the process has read this state of the run, or a newer one. */
export function knew(
  scene: Scene,
  process: Process,
  { run, state }: { readonly run: RunFact; readonly state: StateFact | undefined },
): boolean {
  const read = scene.knowledge.state(process, run.id);
  return read !== undefined && state !== undefined && read.version >= state.version;
}
