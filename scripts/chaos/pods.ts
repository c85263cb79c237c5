// Pods where no kubelet is: their statuses are written as a kubelet would, and the flow's part in Prefect is played.

import { setTimeout as sleep } from "node:timers/promises";
import type { Job, Pod } from "../../src/kube/client/objects.ts";
import { FLOW_RUN_LABEL } from "../../src/job/labels.ts";
import { isFinished } from "../../src/prefect1/states.ts";
import type { FakePrefect1 } from "../../test/fakes/prefect1/fake-prefect1.ts";
import type { Cluster } from "../bench/cluster.ts";
import { fateNamed } from "./outcome.ts";
import type { Fate } from "./outcome.ts";

const MERGE = "application/merge-patch+json";

/** What the flow run of a Job or pod is meant to come to. */
export function fateOf(prefect: FakePrefect1, { metadata }: Pick<Job, "metadata">): Fate {
  return fateNamed(prefect.flowRun(metadata.labels?.[FLOW_RUN_LABEL] ?? "")?.name ?? "");
}

/** The flow tells Prefect of its state; what is finished stays so. */
export function tell(
  prefect: FakePrefect1,
  { metadata }: Pick<Job, "metadata">,
  type: "Running" | "Success",
): void {
  const id = metadata.labels?.[FLOW_RUN_LABEL] ?? "";
  const run = prefect.flowRun(id);
  if (run === undefined || isFinished(run.state ?? "") || run.state === type) return;
  prefect.setState(id, { type, message: type });
}

/** Plays one pod to its end, or until it is gone. */
export async function playPod(cluster: Cluster, prefect: FakePrefect1, pod: Pod): Promise<void> {
  const { exitCode, seconds } = fateOf(prefect, pod);
  const write = (phase: string, state: object, ready: boolean): Promise<boolean> =>
    writeStatus(cluster, pod, { phase, state, ready });
  if (exitCode === undefined) {
    const message = "Back-off pulling image: not found";
    await write("Pending", { waiting: { reason: "ErrImagePull", message } }, false);
    await sleep(500);
    await write("Pending", { waiting: { reason: "ImagePullBackOff", message } }, false);
    return;
  }
  await sleep(200);
  const startedAt = moment();
  if (!(await write("Running", { running: { startedAt } }, true))) return;
  tell(prefect, pod, "Running");
  await sleep(seconds * 1_000);
  if (exitCode === 0) tell(prefect, pod, "Success");
  const reason = exitCode === 0 ? "Completed" : "Error";
  const terminated = { exitCode, reason, startedAt, finishedAt: moment() };
  await write(exitCode === 0 ? "Succeeded" : "Failed", { terminated }, false);
}

/** False when there is no such pod any more. */
async function writeStatus(
  cluster: Cluster,
  { metadata, spec }: Pod,
  { phase, state, ready }: { readonly phase: string; readonly state: object; readonly ready: boolean },
): Promise<boolean> {
  const { name = "flow", image = "" } = spec.containers?.[0] ?? {};
  const container = { name, image, imageID: "", ready, restartCount: 0, state };
  const answer = await cluster.send(
    {
      method: "PATCH",
      path: `/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}/status`,
      contentType: MERGE,
      body: { status: { phase, containerStatuses: [container] } },
    },
    [404],
  );
  return answer.status !== 404;
}

function moment(): string {
  return `${new Date().toISOString().slice(0, 19)}Z`;
}
