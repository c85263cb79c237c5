// Whether memory grows: compares the second and the last fifth of samples over time.

/** Allowed growth: for memory that the allocator keeps and a pending garbage collection. */
const TOLERANCE = { factor: 1.15, mib: 8 };

/** Samples in MiB, evenly spread over a run. */
export class Memory {
  readonly samples: number[] = [];

  add(mib: number): void {
    this.samples.push(mib);
  }

  get max(): number {
    return Math.max(0, ...this.samples);
  }

  /** The means of the second fifth, after warm-up, and of the last; undefined with too few samples. */
  fifths(): { readonly early: number; readonly late: number } | undefined {
    const size = Math.floor(this.samples.length / 5);
    if (size < 2) return undefined;
    return { early: mean(this.samples.slice(size, 2 * size)), late: mean(this.samples.slice(-size)) };
  }

  /** Whether it grew by more than the tolerance. */
  get grew(): boolean {
    const fifths = this.fifths();
    return fifths !== undefined && fifths.late > fifths.early * TOLERANCE.factor + TOLERANCE.mib;
  }

  /** Such as `63 → 64 MiB, at most 71 MiB`. */
  toString(): string {
    const fifths = this.fifths();
    const max = `at most ${this.max.toFixed(1)} MiB`;
    return fifths === undefined ? max : `${fifths.early.toFixed(1)} → ${fifths.late.toFixed(1)} MiB, ${max}`;
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
