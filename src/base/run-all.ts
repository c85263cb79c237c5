// Loops side by side: the first failure stops the others, everything drains, the error surfaces once.

export type Loop = (signal: AbortSignal) => Promise<void>;

/** Runs the loops until all have returned. When one throws, the signal of the others aborts, and it is rethrown. */
export async function runAll(signal: AbortSignal, ...loops: readonly Loop[]): Promise<void> {
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  const failures: unknown[] = [];
  await Promise.all(
    loops.map(async (loop) => {
      try {
        await loop(both);
      } catch (error) {
        failures.push(error);
        stop.abort(error);
      }
    }),
  );
  if (failures.length > 0) throw failures[0];
}
