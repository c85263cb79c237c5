// The fields of `jobs -o json` that tests read.

/** A Job or a Dask cluster. */
export interface PrintedRow {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly flowRun: { readonly name?: string; readonly state: { readonly name: string } | null } | null;
  readonly status: string;
  readonly reason: string;
  readonly pods: readonly { readonly name: string; readonly status: string }[] | null;
}

/** The rows of a printed List. */
export function rowsIn(stdout: string): readonly PrintedRow[] {
  return (JSON.parse(stdout) as { readonly items: readonly PrintedRow[] }).items;
}
