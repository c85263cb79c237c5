// Inventory: why Jobs have no pod (a quota, a missing ServiceAccount): only their events tell. They are listed only if there
// are such Jobs.

import { isJobFinished } from "../job/observe/phase.ts";
import type { Job, KubeEvent, Pod } from "../kube/client/objects.ts";
import type { Listing } from "./listing.ts";
import { jobUidOf } from "../job/observe/observed.ts";

const SELECTOR = "involvedObject.kind=Job,reason=FailedCreate";

/** Events of Jobs whose pods could not be created. Throws KubeError. */
export async function noPodEvents(
  listing: Listing,
  namespace: string | undefined,
  found: { readonly jobs: readonly Job[]; readonly pods: readonly Pod[] },
): Promise<readonly KubeEvent[]> {
  if (listing.forbidden.includes("pods")) return [];
  const withPods = new Set(found.pods.map(jobUidOf));
  const isWaiting = found.jobs.some(
    (job) => !withPods.has(job.metadata.uid) && !isJobFinished(job) && job.spec.suspend !== true,
  );
  return isWaiting ? listing.all("events", { namespace, fieldSelector: SELECTOR }) : [];
}
