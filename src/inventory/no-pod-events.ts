// Inventory: why Jobs have no pod (a quota, a missing ServiceAccount): their events alone tell, and are asked for only where
// there are such Jobs.

import { isOver } from "../job/observe/phase.ts";
import type { Job, KubeEvent, Pod } from "../kube/client/objects.ts";
import type { Listing } from "./listing.ts";
import { jobUidOf } from "./group-runs.ts";

const SELECTOR = "involvedObject.kind=Job,reason=FailedCreate";

/** Events of refused pods. None where all Jobs have what they need, or events may not be listed. Throws KubeError. */
export async function noPodEvents(
  listing: Listing,
  namespace: string | undefined,
  found: { readonly jobs: readonly Job[]; readonly pods: readonly Pod[] },
): Promise<readonly KubeEvent[]> {
  if (listing.forbidden.includes("pods")) return [];
  const withPods = new Set(found.pods.map(jobUidOf));
  const isWaiting = found.jobs.some(
    (job) => !withPods.has(job.metadata.uid) && !isOver(job) && job.spec.suspend !== true,
  );
  return isWaiting ? listing.all("events", { namespace, fieldSelector: SELECTOR }) : [];
}
