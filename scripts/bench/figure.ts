// A figure: a measurement, what it is compared with, and its bound.

/** The inputs of a figure. */
export interface BenchContext {
  /** The built executable. */
  readonly binary: string;
  /** The kubeconfig of a test cluster; undefined: none. */
  readonly kubeconfig: string | undefined;
  /** The `prefect` of Prefect 1.4.1, for comparison; undefined: none. */
  readonly original: string | undefined;
  /** Prints a line about the progress. */
  readonly log: (line: string) => void;
}

/** One measured number and its bound. */
export interface Measurement {
  readonly name: string;
  readonly unit: string;
  readonly ours: number;
  /** What the same run measured for comparison. */
  readonly against?: { readonly what: string; readonly value: number };
  /** `ours` relative to `against`: the median of the rounds' ratios, not the ratio of the medians. */
  readonly ratio?: number;
  readonly bound: Bound;
  /** More values for the JSON file. */
  readonly details?: Readonly<Record<string, unknown>>;
}

export interface Bound {
  /** Which value the bound applies to. */
  readonly of: "ours" | "ratio";
  readonly side: "at least" | "at most";
  readonly value: number;
}

/** A program that measures. */
export interface Figure {
  readonly name: string;
  /** `cluster`: an API server that KUBECONFIG names; `linux`: /proc. */
  readonly needs: readonly ("cluster" | "linux")[];
  readonly measure: (context: BenchContext) => Promise<readonly Measurement[]>;
}

/** Why a figure cannot be measured here, or undefined when it can. */
export function skipReason(
  needs: Figure["needs"],
  available: { readonly kubeconfig: string | undefined; readonly platform: string },
): string | undefined {
  if (needs.includes("cluster") && available.kubeconfig === undefined)
    return "KUBECONFIG does not name a cluster";
  if (needs.includes("linux") && available.platform !== "linux")
    return "processor time and memory are read from /proc, which only Linux has";
  return undefined;
}

/** Whether the bound is met; false for NaN, a value that could not be measured. */
export function isMet({ ours, ratio, bound }: Measurement): boolean {
  const value = bound.of === "ours" ? ours : (ratio ?? Number.NaN);
  return bound.side === "at least" ? value >= bound.value : value <= bound.value;
}

/** One line: figure, our value, the compared value, ratio, bound, and whether it is met. */
export function lineOf(measurement: Measurement): string {
  const { name, unit, ours, against, ratio, bound } = measurement;
  const other = against === undefined ? "" : `${against.what} ${rounded(against.value)} ${unit}`;
  const limit = bound.of === "ours" ? `${rounded(bound.value)} ${unit}` : `ratio ${bound.value}`;
  const cells = [
    name.padEnd(24),
    `${rounded(ours)} ${unit}`.padEnd(14),
    other.padEnd(26),
    (ratio === undefined ? "" : `ratio ${rounded(ratio)}`).padEnd(12),
    `${bound.side} ${limit}`.padEnd(20),
    isMet(measurement) ? "met" : "NOT MET",
  ];
  return cells.join("  ");
}

/** Three significant digits, without exponent. */
export function rounded(value: number): string {
  if (!Number.isFinite(value)) return "?";
  return Math.abs(value) >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
}
