// Since when nodes do not answer, where the agent may read nodes. It asks once a minute, and only for nodes of pods that are
// not ready without a reason: so Kubernetes marks all pods on a node that does not answer (MarkPodsNotReady in
// pkg/controller/util/node), while the kubelet gives a reason.

import { textOf } from "../base/errors.ts";
import { arrayIn, dateIn, objectIn } from "../base/json.ts";
import { isEnding } from "../job/observe/pod-termination.ts";
import { isForbidden } from "../kube/client/errors.ts";
import type { AnyObject, Pod } from "../kube/client/objects.ts";
import type { AgentDeps } from "./deps.ts";
import { every } from "./periodic.ts";

const ASK_EVERY_MS = 60_000;
/** The right may be granted later. */
const FORBIDDEN_MS = 600_000;

interface NodesDeps extends Pick<AgentDeps, "clock" | "log"> {
  readonly kube: Pick<AgentDeps["kube"], "get">;
  readonly pods: () => Iterable<Pod>;
  /** Called for each pod whose node does not answer any more, or answers again. */
  readonly onChange: (pod: Pod) => void;
}

export class UnreachableNodes {
  readonly #deps: NodesDeps;
  /** By name, as last read; another map after each change. */
  since: ReadonlyMap<string, Date> = new Map();
  #forbiddenUntil = 0;

  constructor(deps: NodesDeps) {
    this.#deps = deps;
  }

  run(signal: AbortSignal): Promise<void> {
    return every(ASK_EVERY_MS, () => this.#askForAll(), this.#deps, signal);
  }

  /** Reads the node; true: something else was known of it. Throws KubeError if it cannot be read. */
  async ask(name: string): Promise<boolean> {
    const node = await this.#deps.kube.get("nodes", { namespace: "", name });
    const since = node && unreachableSince(node);
    if (since?.getTime() === this.since.get(name)?.getTime()) return false;
    const others = [...this.since].filter(([other]) => other !== name);
    this.since = new Map(since === undefined ? others : [...others, [name, since]]);
    return true;
  }

  async #askForAll(): Promise<void> {
    const { clock, log, onChange } = this.#deps;
    const pods = [...this.#deps.pods()].filter(isUnready);
    const names = new Set(pods.flatMap(({ spec }) => spec.nodeName ?? []));
    if ([...this.since.keys()].some((name) => !names.has(name)))
      this.since = new Map([...this.since].filter(([name]) => names.has(name)));
    if (clock.ticks() < this.#forbiddenUntil) return;
    for (const name of names) {
      try {
        if (!(await this.ask(name))) continue;
      } catch (error) {
        log.debug("Cannot read a node", { node: name, error: textOf(error) });
        if (!isForbidden(error)) continue;
        this.since = new Map();
        this.#forbiddenUntil = clock.ticks() + FORBIDDEN_MS;
        return;
      }
      for (const pod of pods) if (pod.spec.nodeName === name) onChange(pod);
    }
  }
}

function isUnready(pod: Pod): boolean {
  if (isEnding(pod)) return false;
  return (pod.status.conditions ?? []).some(
    ({ type, status, reason = "" }) => type === "Ready" && status === "False" && reason === "",
  );
}

/** The node controller writes Unknown when the kubelet has not renewed its lease; False is the kubelet's own word. */
function unreachableSince({ status }: AnyObject): Date | undefined {
  const ready = arrayIn(status?.["conditions"])
    .map(objectIn)
    .find(({ type }) => type === "Ready");
  return ready?.["status"] === "Unknown" ? dateIn(ready["lastTransitionTime"]) : undefined;
}
