// Which Job a pod belongs to, also after that Job was deleted.

import type { Job, Pod } from "../../kube/client/objects.ts";
import { isAgentJob } from "../labels.ts";

/** The uid of the pod's Job; a pod that its Job has let go still has it in a label. */
export function jobUidOf({ metadata }: Pod): string | undefined {
  const { ownerReferences = [], labels = {} } = metadata;
  const owner = ownerReferences.find(({ kind }) => kind === "Job")?.uid;
  return owner ?? labels["batch.kubernetes.io/controller-uid"] ?? labels["controller-uid"];
}

/** A Job that is deleted with propagation Orphan lets go of its pods first. */
export function isLetGo({ metadata }: Pod): boolean {
  return (metadata.ownerReferences ?? []).length === 0 && isAgentJob(metadata);
}

/** What is known of a Job by its pod. */
export function formerJobOf({ metadata }: Pod, uid: string): Job {
  const { labels = {} } = metadata;
  const name = labels["job-name"] ?? metadata.name;
  return { metadata: { ...metadata, uid, name, ownerReferences: [] }, spec: {}, status: {} };
}
