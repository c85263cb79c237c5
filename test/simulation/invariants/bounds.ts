// Bounds on what an agent process asks of the servers, and the truth of /readyz.

import type { Process } from "../process.ts";
import type { Scene, Watcher } from "../scene.ts";

const MINUTE_MS = 60_000;
/** Requests of a process in a minute: far above what work needs, far below a loop that spins. */
const MAX_REQUESTS = 900;

export function boundedRequests(scene: Scene): Watcher {
  let counts = new Map<Process, number>();
  let untilMs = 0;
  return {
    onExchange: ({ from }) => {
      if (scene.nowMs >= untilMs) {
        counts = new Map();
        untilMs = scene.nowMs + MINUTE_MS;
      }
      const count = (counts.get(from) ?? 0) + 1;
      counts.set(from, count);
      if (count === MAX_REQUESTS)
        scene.violated("requests are bounded", `${scene.actorOf(from).name} sends ${count} in a minute`);
    },
  };
}

/** So long after the begin of an outage /readyz must say so, and so long after its end, or after watches went silent, no more. */
const UNREADY_MS = 240_000;
const READY_MS = 360_000;

/** /readyz is true to what works. */
export function trueReadiness(scene: Scene): Watcher {
  const rule = "/readyz is true to what works";
  /** Since when each process has been cut off, from either API. */
  const outSince = { kubernetes: new Map<Process, number>(), prefect: new Map<Process, number>() };
  return {
    onTick: () => {
      for (const [
        at,
        { current, cluster, prefect, startedMs, name, plan: agent },
      ] of scene.replicas.entries()) {
        if (current === undefined || current.process.isPaused) continue;
        const { process } = current;
        const of = scene.replicas.length;
        const { acts, plan, nowMs } = scene;
        const isOut = {
          kubernetes:
            acts.has("Kubernetes down", cluster, plan.clusters) ||
            acts.has("cut off from Kubernetes", at, of),
          // A process that waits for the lead does not ask Prefect; a single one waits when it has lost its own Lease.
          prefect:
            !agent.leaderElect &&
            (acts.has("Prefect down", prefect, plan.prefects) || acts.has("cut off from Prefect", at, of)),
        };
        for (const api of ["kubernetes", "prefect"] as const) {
          const since = outSince[api];
          if (isOut[api]) since.set(process, since.get(process) ?? nowMs);
          else since.delete(process);
        }
        const outMs =
          nowMs - Math.min(outSince.kubernetes.get(process) ?? nowMs, outSince.prefect.get(process) ?? nowMs);
        const wellMs = acts.calmSinceMs === undefined ? 0 : nowMs - Math.max(acts.calmSinceMs, startedMs);
        const problem = current.notReady();
        if (problem === undefined && outMs > UNREADY_MS)
          scene.violated(rule, `${name} is ready, although it has been cut off for 4 minutes`);
        if (problem !== undefined && wellMs > READY_MS)
          scene.violated(rule, `${name} is not ready, although all has been well for 6 minutes: ${problem}`);
      }
    },
  };
}
