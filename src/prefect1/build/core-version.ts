// Which command runs a flow, by the Core version that registered it (PEP 440).

const PEP_440 =
  /^v?(?:(?<epoch>\d+)!)?(?<release>\d+(?:\.\d+)*)(?<pre>[-_.]?(?:a|b|c|rc|alpha|beta|pre|preview)[-_.]?\d*)?(?<post>-\d+|[-_.]?(?:post|rev|r)[-_.]?\d*)?(?<dev>[-_.]?dev[-_.]?\d*)?(?:\+[a-z0-9]+(?:[-_.][a-z0-9]+)*)?$/i;

/** The first version with `prefect execute flow-run`. */
const FIRST_WITH_FLOW_RUN = [0, 13, 0];

/**
 * Whether this Core version has `prefect execute flow-run`; undefined for an invalid version.
 * Pre-releases and development releases of 0.13.0 sort before it; local suffixes (`+134.g1a2b`) are ignored.
 */
export function supportsFlowRunCommand(coreVersion: string): boolean | undefined {
  const parts = PEP_440.exec(coreVersion.trim())?.groups;
  if (parts === undefined) return undefined;
  if (Number(parts["epoch"] ?? 0) > 0) return true;
  const order = compareRelease((parts["release"] ?? "").split(".").map(Number), FIRST_WITH_FLOW_RUN);
  if (order !== 0) return order > 0;
  const isPre = parts["pre"] !== undefined;
  const isDev = parts["dev"] !== undefined && parts["post"] === undefined;
  return !isPre && !isDev;
}

/** Negative, zero or positive; missing numbers count as 0. */
function compareRelease(left: readonly number[], right: readonly number[]): number {
  for (let at = 0; at < Math.max(left.length, right.length); at++) {
    const difference = (left[at] ?? 0) - (right[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
