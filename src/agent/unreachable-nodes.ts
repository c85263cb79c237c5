// Since when nodes do not answer, where the agent may read nodes. It asks once a minute, and only for nodes of pods that are
// not ready: Kubernetes says so of all pods on a node that does not answer (pkg/controller/nodelifecycle).

import { arrayIn, dateIn, objectIn } from "../base/json.ts";
import { createdMs } from "../job/observe/observed.ts";
import { isEnding } from "../job/observe/pod-termination.ts";
import { KubeError } from "../kube/client/errors.ts";
import type { AnyObject, Pod } from "../kube/client/objects.ts";
import type { AgentDeps } from "./deps.ts";
import { every } from "./periodic.ts";

const ASK_EVERY_MS = 60_000;
/** The right may be granted later. */
const FORBIDDEN_MS = 600_000;

interface NodesDeps extends Pick<AgentDeps, "clock" | "kubeTime" | "log"> {
  readonly kube: Pick<AgentDeps["kube"], "get">;
  readonly pods: () => Iterable<Pod>;
  /** Called for each pod whose node does not answer any more, or answers again. */
  readonly onChange: (pod: Pod) => void;
}

export class UnreachableNodes {
  readonly #deps: NodesDeps;
  readonly #since = new Map<string, Date>();
  #forbiddenUntil = 0;

  constructor(deps: NodesDeps) {
    this.#deps = deps;
  }

  /** By name, as last read. */
  get since(): ReadonlyMap<string, Date> {
    return this.#since;
  }

  run(signal: AbortSignal): Promise<void> {
    return every(ASK_EVERY_MS, () => this.#askForAll(), this.#deps, signal);
  }

  /** Reads these nodes, and returns those of which something else was known. Throws KubeError if they cannot be read. */
  async ask(names: Iterable<string>): Promise<ReadonlySet<string>> {
    const changed = new Set<string>();
    for (const name of names) {
      const node = await this.#deps.kube.get("nodes", { namespace: "", name });
      const since = node && unreachableSince(node);
      if (since?.getTime() !== this.#since.get(name)?.getTime()) changed.add(name);
      if (since === undefined) this.#since.delete(name);
      else this.#since.set(name, since);
    }
    return changed;
  }

  async #askForAll(): Promise<void> {
    const { clock, onChange } = this.#deps;
    if (clock.ticks() < this.#forbiddenUntil) return;
    const pods = [...this.#deps.pods()].filter((pod) => this.#isUnready(pod));
    const names = new Set(pods.flatMap(({ spec }) => spec.nodeName ?? []));
    for (const name of this.#since.keys()) if (!names.has(name)) this.#since.delete(name);
    try {
      const changed = await this.ask(names);
      for (const pod of pods) if (changed.has(pod.spec.nodeName ?? "")) onChange(pod);
    } catch (error) {
      if (!(error instanceof KubeError) || error.status !== 403) throw error;
      this.#since.clear();
      this.#forbiddenUntil = clock.ticks() + FORBIDDEN_MS;
    }
  }

  /** Every pod is not ready while it starts. */
  #isUnready(pod: Pod): boolean {
    const ageMs = this.#deps.kubeTime.now().getTime() - createdMs(pod);
    if (isEnding(pod) || ageMs < ASK_EVERY_MS) return false;
    return (pod.status.conditions ?? []).some(({ type, status }) => type === "Ready" && status === "False");
  }
}

/** The node controller writes Unknown when the kubelet has not renewed its lease; False is the kubelet's own word. */
function unreachableSince({ status }: AnyObject): Date | undefined {
  const ready = arrayIn(status?.["conditions"])
    .map(objectIn)
    .find(({ type }) => type === "Ready");
  return ready?.["status"] === "Unknown" ? dateIn(ready["lastTransitionTime"]) : undefined;
}
