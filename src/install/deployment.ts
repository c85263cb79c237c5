// The Deployment that runs the agent, with --resource-manager also cleanup.

import { parseDuration } from "../base/duration.ts";
import { DEFAULT_SETTINGS } from "../agent/settings.ts";
import { namesIn } from "../agent/option-checks.ts";
import { agentArguments, cleanupArguments } from "./arguments.ts";
import { checksum } from "./checksum.ts";
import { connectionEnvironment, jobDefaultsEnvironment } from "./environment.ts";
import { fileMounts, fileVolumes, mountedTexts } from "./files.ts";
import { agentImage, versionLabel } from "./image.ts";
import type { ContainerManifest, Deployment, ManifestMeta, PodManifest, Probe } from "./objects.ts";
import { AGENT_LABELS, metadataOf } from "./objects.ts";
import type { InstallOptions } from "./options.ts";
import { replicasIn } from "./options.ts";
import { agentResources, CLEANUP_RESOURCES } from "./resources.ts";
import { agentServiceAccount } from "./roles.ts";

/** Annotation of the pod template; it changes with the key, the job template and the configuration. */
export const CHECKSUM_ANNOTATION = "prefect.io/settings-checksum";

const PORT = 8080;
/** The user of the image; any user but root works. */
const USER_ID = 65532;
/** Between the end of the grace and the kubelet's SIGKILL. */
const SHUTDOWN_MARGIN_SECONDS = 15;

/** The Deployment. It has the name and selector of Prefect's own, so that applying it replaces that one. */
export function agentDeployment(options: InstallOptions): Deployment {
  const meta = metadataOf("prefect-agent", options.namespace);
  const labels = { ...AGENT_LABELS, ...versionLabel(options, options.version) };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { ...meta, labels },
    spec: {
      replicas: replicasIn(options),
      selector: { matchLabels: { app: "prefect-agent" } },
      template: { metadata: { labels, ...settingsAnnotation(options) }, spec: podSpec(options) },
    },
  };
}

function settingsAnnotation(options: InstallOptions): Pick<ManifestMeta, "annotations"> {
  const key = options.inlineKey ? undefined : options.key;
  const texts = [...(key ? [key] : []), ...mountedTexts(options)];
  return texts.length === 0 ? {} : { annotations: { [CHECKSUM_ANNOTATION]: checksum(texts) } };
}

function podSpec(options: InstallOptions): PodManifest {
  const pullSecrets = namesIn(options.imagePullSecrets).map((name) => ({ name }));
  const volumes = fileVolumes(options);
  return {
    // Always set: otherwise `serviceAccount` would keep the account of an earlier --rbac=minimal.
    serviceAccountName: agentServiceAccount(options),
    ...(pullSecrets.length === 0 ? {} : { imagePullSecrets: pullSecrets }),
    terminationGracePeriodSeconds: terminationGraceSeconds(options),
    securityContext: {
      runAsNonRoot: true,
      runAsUser: USER_ID,
      runAsGroup: USER_ID,
      seccompProfile: { type: "RuntimeDefault" },
    },
    containers: options.resourceManager
      ? [agentContainer(options), cleanupContainer(options)]
      : [agentContainer(options)],
    ...(volumes.length === 0 ? {} : { volumes }),
  };
}

function terminationGraceSeconds({ shutdownGrace }: InstallOptions): number {
  const graceMs = shutdownGrace
    ? parseDuration(shutdownGrace, "--shutdown-grace")
    : DEFAULT_SETTINGS.shutdownGraceMs;
  return Math.ceil(graceMs / 1_000) + SHUTDOWN_MARGIN_SECONDS;
}

function agentContainer(options: InstallOptions): ContainerManifest {
  return {
    ...containerOf("agent", options),
    args: agentArguments(options),
    env: [...connectionEnvironment(options), ...jobDefaultsEnvironment(options)],
    ports: [{ name: "http", containerPort: PORT }],
    startupProbe: probe("/livez", { periodSeconds: 2, failureThreshold: 30 }),
    livenessProbe: probe("/livez", { periodSeconds: 20, failureThreshold: 3 }),
    readinessProbe: probe("/readyz", { periodSeconds: 10, failureThreshold: 3 }),
    resources: agentResources(options),
    ...securityOf(options),
  };
}

function cleanupContainer(options: InstallOptions): ContainerManifest {
  return {
    ...containerOf("resource-manager", options),
    args: cleanupArguments(options),
    env: connectionEnvironment(options),
    resources: CLEANUP_RESOURCES,
    ...securityOf(options),
  };
}

function containerOf(
  name: string,
  options: InstallOptions,
): Pick<ContainerManifest, "name" | "image" | "imagePullPolicy"> {
  const policy = options.agentImagePullPolicy;
  return {
    name,
    image: agentImage(options, options.version),
    ...(policy ? { imagePullPolicy: policy } : {}),
  };
}

/** What the restricted Pod Security Standard requires of a container, and the mounted files. */
function securityOf(options: InstallOptions): Pick<ContainerManifest, "securityContext" | "volumeMounts"> {
  const volumeMounts = fileMounts(options);
  return {
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    },
    ...(volumeMounts.length === 0 ? {} : { volumeMounts }),
  };
}

function probe(path: string, timing: Pick<Probe, "periodSeconds" | "failureThreshold">): Probe {
  return { httpGet: { path, port: "http" }, timeoutSeconds: 5, ...timing };
}
