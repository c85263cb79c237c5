// The options of `install`: those of `agent start` that shape the agent, and those of its Deployment.

import { Option } from "clipanion";
import { SettingsError } from "../base/errors.ts";
import type { AgentOptions, DeploymentOptions, FlowJobOptions } from "../install/options.ts";
import { wholeNumber } from "./agent-command.ts";
import { PrefectApiCommand } from "./command.ts";

/** What `install` can be told, beside Prefect's address and key. */
export abstract class InstallFlags extends PrefectApiCommand {
  namespace = Option.String("-n,--namespace", {
    description: "namespace of every object; without it kubectl apply decides",
  });
  rbac = Option.String("--rbac", {
    tolerateBoolean: true,
    description:
      "with the rights that agent and flows need; minimal: a ServiceAccount with the agent's alone",
  });
  output = Option.String("-o,--output", "yaml", { description: "form of what is printed (default yaml)" });
  inlineKey = Option.Boolean("--inline-key", {
    description: "write the API key into the Deployment, as Prefect's own install does",
  });
  keySecret = Option.String("--key-secret", { description: "existing Secret with the API key" });
  configToml = Option.String("--config-toml", { description: "config.toml for the agent, as a ConfigMap" });
  labels = Option.Array("-l,--label", { description: "label of flow runs to take, may be repeated" });
  envs = Option.Array("-e,--env", { description: "variable for every flow run, may be repeated" });
  agentName = Option.String("--name", { description: "the agent's name in Prefect (default agent)" });
  agentConfigId = Option.String("--agent-config-id", { description: "agent config to register with" });
  noCloudLogs = Option.Boolean("--no-cloud-logs", { description: "flow runs do not send logs to Prefect" });
  logLevel = Option.String("--log-level", { description: "DEBUG, INFO (default), WARNING or ERROR" });
  logFormat = Option.String("--log-format", { description: "how the agent logs (default text)" });
  limit = Option.String("--limit", { description: "live Jobs at most (default no limit)" });
  concurrency = Option.String("--concurrency", { description: "submissions at once (default 24)" });
  startGrace = Option.String("--start-grace", {
    description: "how long a pod may fail to start (default 30s)",
  });
  pendingTimeout = Option.String("--pending-timeout", {
    description: "how long a pod may be unschedulable (default for ever)",
  });
  onDisruption = Option.String("--on-disruption", {
    description: "what to do with a run whose node went (default fail)",
  });
  cancelGrace = Option.String("--cancel-grace", {
    description: "how long a cancelled flow may clean up (default 60s)",
  });
  deleteSucceededAfter = Option.String("--delete-succeeded-after", {
    description: "age at which a Job that succeeded goes, or never (default 0s)",
  });
  deleteFailedAfter = Option.String("--delete-failed-after", {
    description: "age at which a Job that failed goes, or never (default 0s)",
  });
  disableJobDeletion = Option.Boolean("--disable-job-deletion", {
    description: "never delete a Job that is over",
  });
  shutdownGrace = Option.String("--shutdown-grace", {
    description: "how long the agent finishes what is in flight (default 30s)",
  });
  leaderElect = Option.Boolean("--leader-elect", { description: "elect a leader among replicas" });
  safeToEvict = Option.Boolean("--safe-to-evict", { description: "let the cluster autoscaler evict pods" });
  noDaskName = Option.Boolean("--no-dask-name", {
    description: "do not name Dask clusters after their flow run",
  });
  jobTemplate = Option.String("--job-template", {
    description: "job template: a file, which becomes a ConfigMap, or s3://, gs://, http(s)://",
  });
  serviceAccountName = Option.String("--service-account-name", {
    description: "service account of the flows' pods",
  });
  imagePullSecrets = Option.String("-i,--image-pull-secrets", {
    description: "Secrets to pull images with, commas between them",
  });
  imagePullPolicy = Option.String("--image-pull-policy", {
    description: "Always, IfNotPresent or Never, for flows' pods whose run config and template say nothing",
  });
  memRequest = Option.String("--mem-request", { description: "memory that a flow's pod requests" });
  memLimit = Option.String("--mem-limit", { description: "memory limit of a flow's pod" });
  cpuRequest = Option.String("--cpu-request", { description: "CPU that a flow's pod requests" });
  cpuLimit = Option.String("--cpu-limit", { description: "CPU limit of a flow's pod" });
  agent = Option.String("--agent", {
    description: "whose agent: kubectl-prefect (default), or python for Prefect 1.4.1's own",
  });
  image = Option.String("--image", { description: "the agent's image (default this version's)" });
  latest = Option.Boolean("--latest", { description: "the image with the tag latest" });
  agentImagePullPolicy = Option.String("--agent-image-pull-policy", {
    description: "Always, IfNotPresent or Never, for the agent's pod",
  });
  agentMemRequest = Option.String("--agent-mem-request", { description: "memory that the agent requests" });
  agentMemLimit = Option.String("--agent-mem-limit", { description: "memory limit of the agent" });
  agentCpuRequest = Option.String("--agent-cpu-request", { description: "CPU that the agent requests" });
  agentCpuLimit = Option.String("--agent-cpu-limit", { description: "CPU limit of the agent" });
  replicas = Option.String("--replicas", { description: "agents, of which one leads (default 1)" });
  resourceManager = Option.Boolean("--resource-manager", {
    description: "a second container that runs cleanup every minute",
  });

  protected agentOptions(): AgentOptions {
    return {
      agentConfigId: this.agentConfigId,
      name: this.agentName,
      labels: this.labels,
      env: this.envs,
      noCloudLogs: this.noCloudLogs,
      logLevel: this.logLevel,
      logFormat: this.logFormat,
      disableJobDeletion: this.disableJobDeletion,
      limit: wholeNumber(this.limit, "--limit", 1),
      concurrency: wholeNumber(this.concurrency, "--concurrency", 1),
      startGrace: this.startGrace,
      pendingTimeout: this.pendingTimeout,
      onDisruption: this.onDisruption,
      cancelGrace: this.cancelGrace,
      deleteSucceededAfter: this.deleteSucceededAfter,
      deleteFailedAfter: this.deleteFailedAfter,
      safeToEvict: this.safeToEvict,
      noDaskName: this.noDaskName,
      shutdownGrace: this.shutdownGrace,
      leaderElect: this.leaderElect,
    };
  }

  protected flowJobOptions(): Omit<FlowJobOptions, "jobTemplate" | "jobTemplateUrl"> {
    return {
      serviceAccountName: this.serviceAccountName,
      imagePullSecrets: this.imagePullSecrets,
      imagePullPolicy: this.imagePullPolicy,
      memRequest: this.memRequest,
      memLimit: this.memLimit,
      cpuRequest: this.cpuRequest,
      cpuLimit: this.cpuLimit,
    };
  }

  protected deploymentOptions(): DeploymentOptions {
    return {
      namespace: this.namespace,
      image: this.image,
      latest: this.latest,
      agentImagePullPolicy: this.agentImagePullPolicy,
      agentMemRequest: this.agentMemRequest,
      agentMemLimit: this.agentMemLimit,
      agentCpuRequest: this.agentCpuRequest,
      agentCpuLimit: this.agentCpuLimit,
      replicas: wholeNumber(this.replicas, "--replicas", 0),
      resourceManager: this.resourceManager,
      rbac: rbacOf(this.rbac),
    };
  }
}

function rbacOf(given: string | boolean | undefined): DeploymentOptions["rbac"] {
  if (given === undefined || typeof given === "boolean" || given === "minimal") return given;
  throw new SettingsError(`cannot read --rbac "${given}"`, { hint: "write --rbac or --rbac=minimal" });
}
