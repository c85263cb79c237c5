// The agent's image: that of this version, the latest one, or the one that the user names.

import type { InstallOptions } from "./options.ts";

type ImageOptions = Pick<InstallOptions, "image" | "latest">;

const REPOSITORY = "ghcr.io/kubectl-prefect/kubectl-prefect";
const PREFECT_REPOSITORY = "prefecthq/prefect";
/** The last version of Prefect 1, as in its own install. */
const PREFECT_TAG = "1.4.1-python3.7";

/** The image of kubectl-prefect; a version between releases (with a `+`) has no image and uses the latest. */
export function agentImage(options: ImageOptions, version: string): string {
  if (options.image) return options.image;
  return isReleased(options, version) ? `${REPOSITORY}:v${version}` : `${REPOSITORY}:latest`;
}

/** The version label, if the image certainly has this version. */
export function versionLabel(options: ImageOptions, version: string): Readonly<Record<string, string>> {
  if (options.image || !isReleased(options, version)) return {};
  return { "app.kubernetes.io/version": version };
}

/** The image of Prefect's own agent. */
export function prefectImage(options: ImageOptions): string {
  return options.image || `${PREFECT_REPOSITORY}:${options.latest ? "latest" : PREFECT_TAG}`;
}

function isReleased(options: ImageOptions, version: string): boolean {
  return !options.latest && !version.includes("+");
}
