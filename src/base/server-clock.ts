// The clock of a server, by the Date header of its first response.

import type { Clock } from "./clock.ts";

export type ServerClock = ReturnType<typeof serverClock>;

export function serverClock(clock: Pick<Clock, "now">) {
  let ahead: number | undefined;
  return {
    /** Reads a Date header that arrived `ms` after its request. */
    read: ({ date, ms }: { readonly date?: string | undefined; readonly ms: number }): void => {
      // The header has whole seconds: take the middle of that second, and of the request.
      const apartMs = Date.parse(date ?? "") + 500 - (clock.now().getTime() - ms / 2);
      const certainMs = Math.max(0, Math.abs(apartMs) - 500 - ms / 2);
      if (!Number.isNaN(apartMs)) ahead ??= Math.sign(apartMs) * certainMs;
    },
    /** How far it is ahead of ours, at least; undefined before the first response. */
    aheadMs: () => ahead,
    /** The time by this clock; by ours before the first response. */
    now: (): Date => new Date(clock.now().getTime() + (ahead ?? 0)),
  };
}
