// What a figure is: something measured, what it is compared with, and the bound that it must keep.

/** What the figures work with. */
export interface World {
  /** The built executable. */
  readonly binary: string;
  /** The kubeconfig of a cluster that may be littered; undefined: there is none. */
  readonly kubeconfig: string | undefined;
  /** The `prefect` of Prefect 1.4.1, to be measured beside ours; undefined: not at hand. */
  readonly original: string | undefined;
  /** A line for whoever waits. */
  readonly say: (line: string) => void;
}

/** One measured number and what it must be. */
export interface Measurement {
  readonly name: string;
  readonly unit: string;
  readonly ours: number;
  /** What the same run measured for comparison. */
  readonly against?: { readonly what: string; readonly value: number };
  /** Ours by the other; the median of the rounds' own ratios, so it need not be the quotient of the medians. */
  readonly ratio?: number;
  readonly bound: Bound;
  /** Whatever else was seen, for the JSON file. */
  readonly details?: Readonly<Record<string, unknown>>;
}

export interface Bound {
  /** What is held against it. */
  readonly of: "ours" | "ratio";
  readonly side: "at least" | "at most";
  readonly value: number;
}

/** A small program that measures. */
export interface Figure {
  readonly name: string;
  /** `cluster`: an API server that KUBECONFIG names; `linux`: /proc. */
  readonly needs: readonly ("cluster" | "linux")[];
  readonly measure: (world: World) => Promise<readonly Measurement[]>;
}

/** Why a figure cannot be measured here, or undefined when it can. */
export function whySkipped(
  needs: Figure["needs"],
  here: { readonly kubeconfig: string | undefined; readonly platform: string },
): string | undefined {
  if (needs.includes("cluster") && here.kubeconfig === undefined)
    return "KUBECONFIG names no cluster to measure on";
  if (needs.includes("linux") && here.platform !== "linux")
    return "processor time and memory are read from /proc, which only Linux has";
  return undefined;
}

/** Whether the bound is kept. A number that could not be measured (NaN) never keeps one. */
export function isMet({ ours, ratio, bound }: Measurement): boolean {
  const value = bound.of === "ours" ? ours : (ratio ?? Number.NaN);
  return bound.side === "at least" ? value >= bound.value : value <= bound.value;
}

/** One line: figure, ours, what it is compared with, ratio, bound, met or not. */
export function lineOf(measurement: Measurement): string {
  const { name, unit, ours, against, ratio, bound } = measurement;
  const other = against === undefined ? "" : `${against.what} ${rounded(against.value)} ${unit}`;
  const held = bound.of === "ours" ? `${rounded(bound.value)} ${unit}` : `ratio ${bound.value}`;
  const cells = [
    name.padEnd(24),
    `${rounded(ours)} ${unit}`.padEnd(14),
    other.padEnd(26),
    (ratio === undefined ? "" : `ratio ${rounded(ratio)}`).padEnd(12),
    `${bound.side} ${held}`.padEnd(20),
    isMet(measurement) ? "met" : "NOT MET",
  ];
  return cells.join("  ");
}

/** Three significant digits, and no exponent. */
function rounded(value: number): string {
  if (!Number.isFinite(value)) return "?";
  return Math.abs(value) >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
}
