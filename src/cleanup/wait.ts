// The waits of cancel: for flows to terminate, and for deleted objects to be gone.

import PQueue from "p-queue";
import type { Clock } from "../base/clock.ts";
import { REMOVABLE, type PlanItem } from "./item.ts";
import { IN_FLIGHT, type SweepDeps } from "./sweep.ts";

export interface WaitDeps extends Pick<SweepDeps, "kube" | "signal"> {
  readonly clock: Clock;
  /** Called with what is waited for; undefined: the wait is over. */
  readonly onWaiting: (line: string | undefined) => void;
}

const POLL_INTERVAL_MS = 1_000;

/** Waits until nothing is left, or the time is over. `left`: what is left, by name. */
export async function waitFor(
  { clock, signal, onWaiting }: WaitDeps,
  { what, timeoutMs }: { readonly what: string; readonly timeoutMs: number },
  left: () => Promise<readonly string[]>,
): Promise<void> {
  const until = clock.ticks() + timeoutMs;
  for (;;) {
    const names = await left();
    const leftMs = until - clock.ticks();
    if (names.length === 0 || leftMs <= 0 || signal.aborted) return onWaiting(undefined);
    onWaiting(`waiting for ${listed(names)} ${what}, ${Math.ceil(leftMs / 1_000)}s left`);
    await clock.sleep(Math.min(POLL_INTERVAL_MS, leftMs), signal);
  }
}

/** What still exists, and what holds it. */
export interface Left {
  readonly item: PlanItem;
  readonly finalizers: readonly string[];
}

/** Waits until the items no longer exist; returns those that still do after the timeout. */
export async function untilGone(
  deps: WaitDeps,
  items: readonly PlanItem[],
  timeoutMs: number,
): Promise<readonly Left[]> {
  const queue = new PQueue({ concurrency: IN_FLIGHT });
  let left: readonly Left[] = items.map((item) => ({ item, finalizers: [] }));
  const existing = async (): Promise<readonly string[]> => {
    const reads = left.map(
      ({ item: { resource, ref } }) =>
        () =>
          deps.kube.get(resource, ref),
    );
    const found = await queue.addAll(reads);
    left = left.flatMap(({ item }, at) => {
      const { uid, finalizers = [] } = found[at]?.metadata ?? {};
      return uid === item.uid ? [{ item, finalizers }] : [];
    });
    return left.map(({ item }) => objectText(item));
  };
  await waitFor(deps, { what: "to be deleted", timeoutMs }, existing);
  return left;
}

/** `Job "prefect-job-1a2b"` */
export function objectText({ resource, ref }: Pick<PlanItem, "resource" | "ref">): string {
  return `${REMOVABLE[resource].one} "${ref.name}"`;
}

/** The first two by name, and how many more there are. */
export function listed(names: readonly string[]): string {
  const [first = "", second] = names;
  if (second === undefined) return first;
  return names.length === 2 ? `${first} and ${second}` : `${first}, ${second} and ${names.length - 2} more`;
}
