// Files for the agent's container: the job template and Prefect's config.toml, each a ConfigMap, mounted read-only.

import type { ConfigMap, PodManifest, VolumeMount } from "./objects.ts";
import { metadataOf } from "./objects.ts";
import type { InstallOptions } from "./options.ts";

interface MountedFile {
  readonly volume: string;
  readonly configMap: string;
  readonly file: string;
  readonly text: string;
}

const ROOT = "/etc/prefect";

/** The path of the job template in the container. */
export const JOB_TEMPLATE_PATH = `${ROOT}/job-template/job-template.yaml`;
/** The path of Prefect's configuration in the container. */
export const CONFIG_PATH = `${ROOT}/config/config.toml`;

/** The texts of all mounted files. */
export function mountedTexts(options: InstallOptions): readonly string[] {
  return mountedFiles(options).map((file) => file.text);
}

export function configMaps(options: InstallOptions): readonly ConfigMap[] {
  return mountedFiles(options).map((file) => ({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: metadataOf(file.configMap, options.namespace),
    data: { [file.file]: file.text },
  }));
}

/** The pod's volumes, one per file. */
export function fileVolumes(options: InstallOptions): NonNullable<PodManifest["volumes"]> {
  return mountedFiles(options).map((file) => ({ name: file.volume, configMap: { name: file.configMap } }));
}

/** The mounts, of whole folders: a mounted single file (subPath) is not updated with its ConfigMap. */
export function fileMounts(options: InstallOptions): readonly VolumeMount[] {
  return mountedFiles(options).map((file) => ({
    name: file.volume,
    mountPath: `${ROOT}/${file.volume}`,
    readOnly: true,
  }));
}

function mountedFiles({ jobTemplate, configToml }: InstallOptions): readonly MountedFile[] {
  const files: MountedFile[] = [];
  if (jobTemplate !== undefined) {
    files.push({
      volume: "job-template",
      configMap: "prefect-agent-job-template",
      file: "job-template.yaml",
      text: jobTemplate.text,
    });
  }
  if (configToml !== undefined) {
    files.push({
      volume: "config",
      configMap: "prefect-agent-config",
      file: "config.toml",
      text: configToml.text,
    });
  }
  return files;
}
