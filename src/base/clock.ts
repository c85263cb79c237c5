// Time and chance as a dependency: loops take a Clock, pure code takes `now`.

export interface Clock {
  /** The time of day. It may jump, so nothing is measured with it: it is for times that people read. */
  now(): Date;
  /** Milliseconds since some start, by a clock that never jumps: whatever measures, measures with it. */
  ticks(): number;
  /** Resolves after `ms` milliseconds, or at once when the signal aborts. Never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls back once all that happens now has happened; no time passes meanwhile. */
  soon(callback: () => void): void;
  /** A random number from 0 to 1, for jitter. */
  random(): number;
}

/** The time so many milliseconds before. */
export function earlier(time: Date, ms: number): Date {
  return new Date(time.getTime() - ms);
}

/** setTimeout turns a longer delay into 1 ms. */
export const MAX_TIMER_MS = 2_147_483_647;

export const systemClock: Clock = {
  now: () => new Date(),
  ticks: () => performance.now(),
  soon: (callback) => void setImmediate(callback),
  random: () => Math.random(),
  // node:timers/promises takes 10 µs more for each, and the queue sleeps some ten times for each flow run.
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted === true) return resolve();
      const finish = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", finish);
        resolve();
      };
      // Callers check the time again after waking.
      const timer = setTimeout(finish, Math.min(Math.max(ms, 0), MAX_TIMER_MS));
      signal?.addEventListener("abort", finish, { once: true });
    }),
};

/** Resolves when the signal aborts, or at once if it has already. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
