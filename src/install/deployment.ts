// The Deployment that runs the agent, with --resource-manager also cleanup.

import { hash } from "node:crypto";
import { parseDuration } from "../base/duration.ts";
import { DEFAULT_SETTINGS } from "../agent/settings.ts";
import { namesIn } from "../agent/option-checks.ts";
import { agentArguments, cleanupArguments } from "./arguments.ts";
import { connectionEnvironment, jobDefaults, variables } from "./environment.ts";
import { mountedFiles } from "./files.ts";
import { AGENT_LABELS, metadataOf, type Manifest } from "./objects.ts";
import { isLess, replicasIn, type InstallOptions } from "./options.ts";
import { agentServiceAccount } from "./roles.ts";

const REPOSITORY = "ghcr.io/kubectl-prefect/kubectl-prefect";
const PORT = 8080;
/** Between the end of the grace and the kubelet's SIGKILL. */
const SHUTDOWN_MARGIN_SECONDS = 15;

const CPU_REQUEST = "50m";
const MEMORY_REQUEST = "128Mi";
/** The agent needs less than 250 MB with 10,000 live Jobs. */
const MEMORY_LIMIT = "384Mi";

/** The Deployment. It has the name and selector of Prefect's own, so that applying it replaces that one. */
export function agentDeployment(options: InstallOptions): Manifest {
  const labels = { ...AGENT_LABELS, ...versionLabel(options) };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { ...metadataOf("prefect-agent", options.namespace), labels },
    spec: {
      replicas: replicasIn(options),
      selector: { matchLabels: { app: "prefect-agent" } },
      template: { metadata: { labels, ...settingsAnnotation(options) }, spec: podSpec(options) },
    },
  };
}

/** A digest of the key and the mounted files: `kubectl apply` restarts the pod when only they have changed. */
function settingsAnnotation(options: InstallOptions): object {
  const key = options.inlineKey ? undefined : options.key;
  const texts = [...(key ? [key] : []), ...mountedFiles(options).map(({ text }) => text)];
  if (texts.length === 0) return {};
  const checksum = hash("sha256", JSON.stringify(texts), "hex").slice(0, 16);
  return { annotations: { "prefect.io/settings-checksum": checksum } };
}

function podSpec(options: InstallOptions): object {
  const files = mountedFiles(options);
  const graceMs = options.shutdownGrace
    ? parseDuration(options.shutdownGrace, "--shutdown-grace")
    : DEFAULT_SETTINGS.shutdownGraceMs;
  return {
    // Always set: otherwise `serviceAccount` would keep the account of an earlier --rbac=minimal.
    serviceAccountName: agentServiceAccount(options),
    imagePullSecrets: unlessEmpty(namesIn(options.imagePullSecrets).map((name) => ({ name }))),
    terminationGracePeriodSeconds: Math.ceil(graceMs / 1_000) + SHUTDOWN_MARGIN_SECONDS,
    // The image names its user; OpenShift assigns one of the namespace's range, and refuses any other.
    securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
    containers: [agentContainer(options), ...(options.resourceManager ? [cleanupContainer(options)] : [])],
    volumes: unlessEmpty(
      files.map(({ volume, configMap }) => ({ name: volume, configMap: { name: configMap } })),
    ),
  };
}

function agentContainer(options: InstallOptions): object {
  return container("agent", options, {
    args: agentArguments(options),
    env: [...connectionEnvironment(options), ...variables(jobDefaults(options))],
    ports: [{ name: "http", containerPort: PORT }],
    startupProbe: probe("/livez", { periodSeconds: 2, failureThreshold: 30 }),
    livenessProbe: probe("/livez", { periodSeconds: 20, failureThreshold: 3 }),
    readinessProbe: probe("/readyz", { periodSeconds: 10, failureThreshold: 3 }),
    resources: agentResources(options),
  });
}

function cleanupContainer(options: InstallOptions): object {
  return container("resource-manager", options, {
    args: cleanupArguments(options),
    env: connectionEnvironment(options),
    // It runs once a minute. It has a CPU limit only beside an agent that has one: then a quota may ask for it.
    resources: {
      requests: { cpu: "10m", memory: "64Mi" },
      limits: { cpu: options.agentCpuLimit || undefined, memory: "256Mi" },
    },
  });
}

/**
 * A container with what the restricted Pod Security Standard requires, and the mounted files: whole folders, since a mounted
 * single file (subPath) is not updated with its ConfigMap.
 */
function container(name: string, options: InstallOptions, own: object): object {
  const files = mountedFiles(options);
  return {
    name,
    image: agentImage(options),
    imagePullPolicy: options.agentImagePullPolicy || undefined,
    ...own,
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    },
    volumeMounts: unlessEmpty(
      files.map(({ volume, folder }) => ({ name: volume, mountPath: folder, readOnly: true })),
    ),
  };
}

/** The image of this version, the latest one, or the one that the user names; none belongs to a version between releases. */
function agentImage(options: InstallOptions): string {
  return options.image || `${REPOSITORY}:${isReleased(options) ? `v${options.version}` : "latest"}`;
}

/** The version label, if the image certainly has this version. */
function versionLabel(options: InstallOptions): object {
  return options.image || !isReleased(options) ? {} : { "app.kubernetes.io/version": options.version };
}

/** A version between releases has a `+`. */
function isReleased({ latest, version }: InstallOptions): boolean {
  return !latest && !version.includes("+");
}

function unlessEmpty(items: readonly object[]): readonly object[] | undefined {
  return items.length === 0 ? undefined : items;
}

function probe(path: string, timing: object): object {
  return { httpGet: { path, port: "http" }, timeoutSeconds: 5, ...timing };
}

/** The values of the options; a default is adjusted to a conflicting option. */
function agentResources(options: InstallOptions): object {
  const { agentMemRequest, agentMemLimit, agentCpuRequest, agentCpuLimit } = options;
  return {
    requests: {
      cpu: agentCpuRequest || (isLess(agentCpuLimit, CPU_REQUEST) ? agentCpuLimit : CPU_REQUEST),
      memory: agentMemRequest || (isLess(agentMemLimit, MEMORY_REQUEST) ? agentMemLimit : MEMORY_REQUEST),
    },
    limits: {
      cpu: agentCpuLimit || undefined,
      memory: agentMemLimit || (isLess(MEMORY_LIMIT, agentMemRequest) ? agentMemRequest : MEMORY_LIMIT),
    },
  };
}
