// Which image the agent runs from: the release of this program, the latest one, or what the user names.

import type { InstallOptions } from "./options.ts";

type ImageOptions = Pick<InstallOptions, "image" | "latest">;

const REPOSITORY = "ghcr.io/kubectl-prefect/kubectl-prefect";
const PREFECT_REPOSITORY = "prefecthq/prefect";
/** The last Prefect 1, in the image that its own install names. */
const PREFECT_TAG = "1.4.1-python3.7";

/** Our image; a version between releases (with a `+`) has none of its own, and gets the latest. */
export function agentImage(options: ImageOptions, version: string): string {
  if (options.image) return options.image;
  return isReleased(options, version) ? `${REPOSITORY}:v${version}` : `${REPOSITORY}:latest`;
}

/** The version label of the agent, where the image is that version for certain. */
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
