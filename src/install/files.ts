// Files for the agent's container: the job template and Prefect's config.toml, each a ConfigMap, mounted read-only.

import { metadataOf, type Manifest } from "./objects.ts";
import type { InstallOptions } from "./options.ts";

const ROOT = "/etc/prefect";
export const JOB_TEMPLATE_PATH = `${ROOT}/job-template/job-template.yaml`;
export const CONFIG_PATH = `${ROOT}/config/config.toml`;

/** The files that the options name, each in a volume and a folder of its own. */
export function mountedFiles({ jobTemplate, configToml }: InstallOptions) {
  const files = [
    { volume: "job-template", file: "job-template.yaml", text: jobTemplate?.text },
    { volume: "config", file: "config.toml", text: configToml?.text },
  ];
  return files.flatMap(({ volume, file, text }) =>
    text === undefined
      ? []
      : [{ volume, folder: `${ROOT}/${volume}`, configMap: `prefect-agent-${volume}`, file, text }],
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
