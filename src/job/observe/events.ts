// Events in the order of their times, which are whole seconds.

import { lastSeenAt, type KubeEvent } from "../../kube/client/objects.ts";

/** When the event was last seen, in milliseconds; 0: it does not say. */
export function timeOf(event: KubeEvent): number {
  return lastSeenAt(event)?.getTime() ?? 0;
}

export function newestFirst(events: readonly KubeEvent[]): KubeEvent[] {
  return events.toSorted((a, b) => timeOf(b) - timeOf(a));
}
