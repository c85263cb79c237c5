// Simulates pods on a cluster without kubelets: sets their status, and their flow run's state in Prefect.

import { setTimeout as sleep } from "node:timers/promises";
import type { Job, Pod } from "../../src/kube/client/objects.ts";
import { FLOW_RUN_LABEL } from "../../src/job/labels.ts";
import { isFinished } from "../../src/prefect1/states.ts";
import type { FakePrefect1 } from "../../test/fakes/prefect1/fake-prefect1.ts";
import type { Cluster } from "../bench/cluster.ts";
import { outcomeNamed } from "./outcome.ts";
import type { Outcome } from "./outcome.ts";
import { timestamp } from "../../test/fakes/kubernetes/kube-object.ts";

const MERGE = "application/merge-patch+json";

/** The intended outcome of the flow run of a Job or pod. */
export function outcomeOf(prefect: FakePrefect1, { metadata }: Pick<Job, "metadata">): Outcome {
  return outcomeNamed(prefect.flowRun(metadata.labels?.[FLOW_RUN_LABEL] ?? "")?.name ?? "");
}

/** Sets the run's state as the flow would; a finished run keeps its state. */
export function reportState(
  prefect: FakePrefect1,
  { metadata }: Pick<Job, "metadata">,
  type: "Running" | "Success",
): void {
  const id = metadata.labels?.[FLOW_RUN_LABEL] ?? "";
  const run = prefect.flowRun(id);
  if (run === undefined || isFinished(run.state ?? "") || run.state === type) return;
  prefect.setState(id, { type, message: type });
}

/** Simulates a pod until its end or its deletion. */
export async function simulatePod(cluster: Cluster, prefect: FakePrefect1, pod: Pod): Promise<void> {
  const { exitCode, seconds } = outcomeOf(prefect, pod);
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
  const startedAt = timestamp(new Date());
  if (!(await write("Running", { running: { startedAt } }, true))) return;
  reportState(prefect, pod, "Running");
  await sleep(seconds * 1_000);
  if (exitCode === 0) reportState(prefect, pod, "Success");
  const reason = exitCode === 0 ? "Completed" : "Error";
  const terminated = { exitCode, reason, startedAt, finishedAt: timestamp(new Date()) };
  await write(exitCode === 0 ? "Succeeded" : "Failed", { terminated }, false);
}

/** Returns false if the pod does not exist any more. */
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
