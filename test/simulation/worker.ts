// A process that plays the worlds of the seeds that it is sent.

import { planOf } from "./draw.ts";
import { play } from "./run-plan.ts";
import type { Violation } from "./scene.ts";

/** What is sent back for a seed. */
export interface Outcome {
  readonly seed: number;
  readonly simulatedMs: number;
  readonly violations: readonly Violation[];
  /** The world could not be played to its end. */
  readonly error?: string | undefined;
}

process.on("message", (seed: number) => {
  void outcomeOf(seed).then((outcome) => process.send?.(outcome));
});

async function outcomeOf(seed: number): Promise<Outcome> {
  try {
    const { simulatedMs, violations } = await play(planOf(seed));
    return { seed, simulatedMs, violations };
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { seed, simulatedMs: 0, violations: [], error: text };
  }
}
