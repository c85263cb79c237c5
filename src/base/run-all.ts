// Runs loops side by side until one fails or the signal aborts.

export type Loop = (signal: AbortSignal) => Promise<void>;

/** Runs loops concurrently until all have returned. When one throws, the others are aborted and its error is rethrown. */
export async function runAll(signal: AbortSignal, ...loops: readonly Loop[]): Promise<void> {
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  await Promise.all(
    loops.map(async (loop) => {
      try {
        await loop(both);
      } catch (error) {
        stop.abort(error);
      }
    }),
  );
  stop.signal.throwIfAborted();
}
