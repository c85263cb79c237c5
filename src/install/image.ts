// The agent's image: that of this version, the latest one, or the one that the user names.

import type { InstallOptions } from "./options.ts";

const REPOSITORY = "ghcr.io/kubectl-prefect/kubectl-prefect";
/** The last version of Prefect 1, as in its own install. */
const PREFECT_TAG = "1.4.1-python3.7";

/** The image of kubectl-prefect; a version between releases (with a `+`) has no image and uses the latest. */
export function agentImage(options: InstallOptions): string {
  return options.image || `${REPOSITORY}:${isReleased(options) ? `v${options.version}` : "latest"}`;
}

/** The version label, if the image certainly has this version. */
export function versionLabel(options: InstallOptions): Readonly<Record<string, string>> {
  if (options.image || !isReleased(options)) return {};
  return { "app.kubernetes.io/version": options.version };
}

/** The image of Prefect's own agent. */
export function prefectImage({ image, latest }: InstallOptions): string {
  return image || `prefecthq/prefect:${latest ? "latest" : PREFECT_TAG}`;
}

function isReleased({ latest, version }: InstallOptions): boolean {
  return !latest && !version.includes("+");
}
