// Which command runs a flow, by the Core version that registered it (PEP 440).

const PEP_440 =
  /^v?(?:(?<epoch>\d+)!)?(?<release>\d+(?:\.\d+)*)(?<pre>[-_.]?(?:a|b|c|rc|alpha|beta|pre|preview)[-_.]?\d*)?(?<post>-\d+|[-_.]?(?:post|rev|r)[-_.]?\d*)?(?<dev>[-_.]?dev[-_.]?\d*)?(?:\+[a-z0-9]+(?:[-_.][a-z0-9]+)*)?$/i;

/**
 * Whether this Core version has `prefect execute flow-run`, as 0.13.0 and later; undefined for an invalid version.
 * Pre-releases and development releases of 0.13.0 sort before it; local suffixes (`+134.g1a2b`) are ignored.
 */
export function supportsFlowRunCommand(coreVersion: string): boolean | undefined {
  const parts = PEP_440.exec(coreVersion.trim())?.groups;
  if (parts === undefined) return undefined;
  const { epoch = "0", release = "", pre, post, dev } = parts;
  const [major = 0, minor = 0, ...rest] = release.split(".").map(Number);
  if (Number(epoch) > 0 || major > 0 || minor > 13) return true;
  if (minor < 13) return false;
  const isBefore = pre !== undefined || (dev !== undefined && post === undefined);
  return rest.some((number) => number > 0) || !isBefore;
}
