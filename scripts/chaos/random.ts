// Reproducible random numbers: the same seed gives the same sequence.

/** Numbers in [0, 1), by mulberry32. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A random element. */
export function pick<T>(among: readonly T[], random: () => number): T {
  const found = among[Math.floor(random() * among.length)];
  if (found === undefined) throw new Error("nothing to pick from");
  return found;
}
