// The agent's command line.

import { describe, expect, it } from "vitest";
import type { Options } from "./support/manifests.ts";
import { container, deployment, env } from "./support/manifests.ts";

describe("the agent's command line", () => {
  it("starts the agent without a shell, on the port of the probes", () => {
    expect(container().command).toBeUndefined();
    expect(container().args).toEqual(["agent", "start", "--agent-address=http://:8080"]);
    expect(container().ports).toEqual([{ name: "http", containerPort: 8080 }]);
  });

  it.each<{ options: Options; args: readonly string[] }>([
    { options: { name: "night shift" }, args: ["--name=night shift"] },
    { options: { agentConfigId: "c-1" }, args: ["--agent-config-id=c-1"] },
    { options: { labels: ["kube", "-x", "kube"] }, args: ["--label=kube", "--label=-x"] },
    { options: { env: ["A=1", "B=x=y", "A=2", "C="] }, args: ["--env=A=2", "--env=B=x=y", "--env=C="] },
    { options: { logLevel: "debug", logFormat: "json" }, args: ["--log-level=DEBUG", "--log-format=json"] },
    { options: { noCloudLogs: true }, args: ["--no-cloud-logs"] },
    { options: { noDaskName: true }, args: ["--no-dask-name"] },
    { options: { safeToEvict: true }, args: ["--safe-to-evict"] },
    { options: { disableJobDeletion: true }, args: ["--disable-job-deletion"] },
    { options: { limit: "50", concurrency: "4" }, args: ["--limit=50", "--concurrency=4"] },
    {
      options: { startGrace: "1m", pendingTimeout: "2h" },
      args: ["--start-grace=1m", "--pending-timeout=2h"],
    },
    { options: { onDisruption: "retry" }, args: ["--on-disruption=retry"] },
    { options: { cancelGrace: "0" }, args: ["--cancel-grace=0"] },
    {
      options: { deleteSucceededAfter: "10m", deleteFailedAfter: "never" },
      args: ["--delete-succeeded-after=10m", "--delete-failed-after=never"],
    },
    { options: { shutdownGrace: "10s" }, args: ["--shutdown-grace=10s"] },
    { options: { leaderElect: true }, args: ["--leader-elect"] },
    { options: { serviceAccountName: "flows" }, args: ["--service-account-name=flows"] },
  ])("has $args for $options", ({ options, args }) => {
    expect(container(options).args.slice(3)).toEqual(args);
  });

  it.each([
    { replicas: "1", args: [] },
    { replicas: "3", args: ["--leader-elect"] },
  ])("elects a leader among $replicas replicas: $args", ({ replicas, args }) => {
    expect(deployment({ replicas }).spec.replicas).toBe(Number(replicas));
    expect(container({ replicas }).args.slice(3)).toEqual(args);
  });

  it("does not contain the Prefect connection, which is in the environment", () => {
    const options = { api: "http://p:4200/", backend: "server", tenantId: "t-1" };
    expect(container(options).args).toEqual(container().args);
    expect(env(options)).toMatchObject({
      PREFECT__CLOUD__API: "http://p:4200/",
      PREFECT__BACKEND: "server",
      PREFECT__CLOUD__TENANT_ID: "t-1",
    });
  });

  it.each([
    { value: "$HOME/x", arg: "--env=A=$HOME/x" },
    { value: "$(HOME)", arg: "--env=A=$$(HOME)" },
    { value: "$$1 $(A) $", arg: "--env=A=$$$$1 $$(A) $$" },
  ])("escapes variables in $value, which Kubernetes would replace", ({ value, arg }) => {
    expect(container({ env: [`A=${value}`] }).args).toContain(arg);
  });
});
