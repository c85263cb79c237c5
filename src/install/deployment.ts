// The Deployment that runs the agent, with --resource-manager also cleanup.

import { createHash } from "node:crypto";
import { parseDuration } from "../base/duration.ts";
import { parseQuantity } from "../base/quantity.ts";
import { DEFAULT_SETTINGS } from "../agent/settings.ts";
import { namesIn } from "../agent/option-checks.ts";
import { agentArguments, cleanupArguments } from "./arguments.ts";
import { connectionEnvironment, jobDefaultsEnvironment } from "./environment.ts";
import { FILES_ROOT, mountedFiles } from "./files.ts";
import { agentImage, versionLabel } from "./image.ts";
import { AGENT_LABELS, metadataOf, type Manifest } from "./objects.ts";
import { replicasIn, type InstallOptions } from "./options.ts";
import { agentServiceAccount } from "./roles.ts";

const PORT = 8080;
/** The user of the image; any user but root works. */
const USER_ID = 65532;
/** Between the end of the grace and the kubelet's SIGKILL. */
const SHUTDOWN_MARGIN_SECONDS = 15;

const CPU_REQUEST = "50m";
const MEMORY_REQUEST = "128Mi";
/** The agent needs less than 250 MB with 10,000 live Jobs. */
const MEMORY_LIMIT = "384Mi";

/** For `cleanup`, which runs once a minute. Like the agent, it has no CPU limit. */
const CLEANUP_RESOURCES = {
  requests: { cpu: "10m", memory: "64Mi" },
  limits: { memory: "256Mi" },
} as const;

/** The Deployment. It has the name and selector of Prefect's own, so that applying it replaces that one. */
export function agentDeployment(options: InstallOptions): Manifest {
  const meta = metadataOf("prefect-agent", options.namespace);
  const labels = { ...AGENT_LABELS, ...versionLabel(options) };
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

/** A digest of the key and the mounted files: `kubectl apply` restarts the pod when only they have changed. */
function settingsAnnotation(options: InstallOptions): object {
  const key = options.inlineKey ? undefined : options.key;
  const texts = [...(key ? [key] : []), ...mountedFiles(options).map(({ text }) => text)];
  if (texts.length === 0) return {};
  const checksum = createHash("sha256").update(JSON.stringify(texts)).digest("hex").slice(0, 16);
  return { annotations: { "prefect.io/settings-checksum": checksum } };
}

function podSpec(options: InstallOptions): object {
  const pullSecrets = namesIn(options.imagePullSecrets).map((name) => ({ name }));
  const volumes = mountedFiles(options).map(({ volume, configMap }) => ({
    name: volume,
    configMap: { name: configMap },
  }));
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
    containers: [agentContainer(options), ...(options.resourceManager ? [cleanupContainer(options)] : [])],
    ...(volumes.length === 0 ? {} : { volumes }),
  };
}

function terminationGraceSeconds({ shutdownGrace }: InstallOptions): number {
  const graceMs = shutdownGrace
    ? parseDuration(shutdownGrace, "--shutdown-grace")
    : DEFAULT_SETTINGS.shutdownGraceMs;
  return Math.ceil(graceMs / 1_000) + SHUTDOWN_MARGIN_SECONDS;
}

function agentContainer(options: InstallOptions): object {
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

function cleanupContainer(options: InstallOptions): object {
  return {
    ...containerOf("resource-manager", options),
    args: cleanupArguments(options),
    env: connectionEnvironment(options),
    resources: CLEANUP_RESOURCES,
    ...securityOf(options),
  };
}

function containerOf(name: string, options: InstallOptions): object {
  const policy = options.agentImagePullPolicy;
  return { name, image: agentImage(options), ...(policy ? { imagePullPolicy: policy } : {}) };
}

/**
 * What the restricted Pod Security Standard requires of a container, and the mounted files: whole folders, since a mounted single
 * file (subPath) is not updated with its ConfigMap.
 */
function securityOf(options: InstallOptions): object {
  const volumeMounts = mountedFiles(options).map(({ volume }) => ({
    name: volume,
    mountPath: `${FILES_ROOT}/${volume}`,
    readOnly: true,
  }));
  return {
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    },
    ...(volumeMounts.length === 0 ? {} : { volumeMounts }),
  };
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
      ...(agentCpuLimit ? { cpu: agentCpuLimit } : {}),
      memory: agentMemLimit || (isLess(MEMORY_LIMIT, agentMemRequest) ? agentMemRequest : MEMORY_LIMIT),
    },
  };
}

/** False if one is not set. */
function isLess(one: string | undefined, other: string | undefined): boolean {
  return (
    Boolean(one) && Boolean(other) && (parseQuantity(one ?? "") ?? 0) < (parseQuantity(other ?? "") ?? 0)
  );
}
