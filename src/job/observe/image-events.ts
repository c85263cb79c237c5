// What the kubelet's events tell of pulling an image. A container's status stays ErrImagePull or ImagePullBackOff while the
// kubelet pulls again, and after that until the container is created (pkg/kubelet/kubelet.go: the reason cache).

import type { KubeEvent } from "../../kube/client/objects.ts";
import { newestFirst, timeOf } from "./events.ts";

/** What the kubelet last said of an image that it could not pull; "" if nothing. */
export function pullFailure(image: string, events: readonly KubeEvent[]): string {
  const start = `Failed to pull image "${image}": `;
  const failed = newestFirst(events).find(
    ({ reason, message }) => reason === "Failed" && message?.startsWith(start) === true,
  );
  return failed?.message?.slice(start.length) ?? "";
}

/**
 * What has come after the last failure: `pulled`, or the time since when the image is pulled once more; undefined: neither. Of
 * two events in one second the failure counts as the later one.
 */
export function pullSinceFailure(image: string, events: readonly KubeEvent[]): "pulled" | Date | undefined {
  const own = newestFirst(events).filter(({ message = "" }) => message.includes(`image "${image}"`));
  const isFailure = ({ reason }: KubeEvent): boolean => reason === "Failed" || reason === "BackOff";
  // Events can be lost: without that of the failure those of pulls tell nothing.
  if (!own.some(isFailure)) return undefined;
  const atMs = Math.max(...own.map(timeOf));
  const newest = own.filter((event) => timeOf(event) === atMs);
  if (newest.some(isFailure)) return undefined;
  const last = new Set(newest.map(({ reason }) => reason));
  if (last.has("Pulled")) return "pulled";
  return last.has("Pulling") ? new Date(atMs) : undefined;
}
