// Whether memory grows: samples over time, and the second fifth of them against the last.

/** How much more the last fifth may have: what an allocator keeps for itself, and a collection that is still to come. */
const MAY_GROW = { factor: 1.15, mib: 8 };

/** Samples of one figure, in MiB, evenly spread over a run. */
export class Memory {
  readonly samples: number[] = [];

  add(mib: number): void {
    this.samples.push(mib);
  }

  get most(): number {
    return Math.max(0, ...this.samples);
  }

  /** The means of the second fifth, when all is warm, and of the last; undefined with too few samples. */
  fifths(): { readonly early: number; readonly late: number } | undefined {
    const size = Math.floor(this.samples.length / 5);
    if (size < 2) return undefined;
    return { early: mean(this.samples.slice(size, 2 * size)), late: mean(this.samples.slice(-size)) };
  }

  /** Whether it grew more than chance explains. */
  get grew(): boolean {
    const fifths = this.fifths();
    return fifths !== undefined && fifths.late > fifths.early * MAY_GROW.factor + MAY_GROW.mib;
  }

  /** For people: `63 → 64 MiB, at most 71`. */
  toString(): string {
    const fifths = this.fifths();
    const most = `at most ${this.most.toFixed(1)} MiB`;
    return fifths === undefined
      ? most
      : `${fifths.early.toFixed(1)} → ${fifths.late.toFixed(1)} MiB, ${most}`;
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
