// Files for the agent's container: the job template and Prefect's config.toml, each a ConfigMap, mounted read-only.

import { metadataOf, type Manifest } from "./objects.ts";
import type { InstallOptions } from "./options.ts";

interface MountedFile {
  /** Also the folder in which it is mounted. */
  readonly volume: string;
  readonly configMap: string;
  readonly file: string;
  readonly text: string;
}

/** The folder of all mounts. */
export const FILES_ROOT = "/etc/prefect";
/** The path of the job template in the container. */
export const JOB_TEMPLATE_PATH = `${FILES_ROOT}/job-template/job-template.yaml`;
/** The path of Prefect's configuration in the container. */
export const CONFIG_PATH = `${FILES_ROOT}/config/config.toml`;

/** The files that the options name. */
export function mountedFiles({ jobTemplate, configToml }: InstallOptions): readonly MountedFile[] {
  const files = [
    { volume: "job-template", file: "job-template.yaml", text: jobTemplate?.text },
    { volume: "config", file: "config.toml", text: configToml?.text },
  ];
  return files.flatMap(({ text, ...rest }) =>
    text === undefined ? [] : [{ ...rest, text, configMap: `prefect-agent-${rest.volume}` }],
  );
}

export function configMaps(options: InstallOptions): readonly Manifest[] {
  return mountedFiles(options).map(({ configMap, file, text }) => ({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: metadataOf(configMap, options.namespace),
    data: { [file]: text },
  }));
}
