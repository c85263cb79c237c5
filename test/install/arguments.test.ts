// The agent's command line.

import { describe, expect, it } from "vitest";
import type { Options } from "./support/manifests.ts";
import { container, deployment, env } from "./support/manifests.ts";

describe("the agent's command line", () => {
  it("starts the agent, without a shell, where the probes find it", () => {
    expect(container().command).toBeUndefined();
    expect(container().args).toEqual(["agent", "start", "--agent-address=http://:8080"]);
    expect(container().ports).toEqual([{ name: "http", containerPort: 8080 }]);
  });

  it.each<{ options: Options; words: readonly string[] }>([
    { options: { name: "night shift" }, words: ["--name=night shift"] },
    { options: { agentConfigId: "c-1" }, words: ["--agent-config-id=c-1"] },
    { options: { labels: ["kube", "-x", "kube"] }, words: ["--label=kube", "--label=-x"] },
    { options: { env: ["A=1", "B=x=y", "A=2", "C="] }, words: ["--env=A=2", "--env=B=x=y", "--env=C="] },
    { options: { logLevel: "debug", logFormat: "json" }, words: ["--log-level=DEBUG", "--log-format=json"] },
    { options: { noCloudLogs: true }, words: ["--no-cloud-logs"] },
    { options: { noDaskName: true }, words: ["--no-dask-name"] },
    { options: { safeToEvict: true }, words: ["--safe-to-evict"] },
    { options: { disableJobDeletion: true }, words: ["--disable-job-deletion"] },
    { options: { limit: "50", concurrency: "4" }, words: ["--limit=50", "--concurrency=4"] },
    {
      options: { startGrace: "1m", pendingTimeout: "2h" },
      words: ["--start-grace=1m", "--pending-timeout=2h"],
    },
    { options: { onDisruption: "retry" }, words: ["--on-disruption=retry"] },
    { options: { cancelGrace: "0" }, words: ["--cancel-grace=0"] },
    {
      options: { deleteSucceededAfter: "10m", deleteFailedAfter: "never" },
      words: ["--delete-succeeded-after=10m", "--delete-failed-after=never"],
    },
    { options: { shutdownGrace: "10s" }, words: ["--shutdown-grace=10s"] },
    { options: { leaderElect: true }, words: ["--leader-elect"] },
    { options: { serviceAccountName: "flows" }, words: ["--service-account-name=flows"] },
  ])("has $words for $options", ({ options, words }) => {
    expect(container(options).args.slice(3)).toEqual(words);
  });

  it.each([
    { replicas: "1", words: [] },
    { replicas: "3", words: ["--leader-elect"] },
  ])("elects a leader among $replicas replicas: $words", ({ replicas, words }) => {
    expect(deployment({ replicas }).spec.replicas).toBe(Number(replicas));
    expect(container({ replicas }).args.slice(3)).toEqual(words);
  });

  it("leaves to the environment where Prefect is", () => {
    const options = { api: "http://p:4200/", backend: "server", tenantId: "t-1" };
    expect(container(options).args).toEqual(container().args);
    expect(env(options)).toMatchObject({
      PREFECT__CLOUD__API: "http://p:4200/",
      PREFECT__BACKEND: "server",
      PREFECT__CLOUD__TENANT_ID: "t-1",
    });
  });

  it.each([
    { value: "$HOME/x", word: "--env=A=$HOME/x" },
    { value: "$(HOME)", word: "--env=A=$$(HOME)" },
    { value: "$$1 $(A) $", word: "--env=A=$$$$1 $$(A) $$" },
  ])("escapes what Kubernetes would replace in $value", ({ value, word }) => {
    expect(container({ env: [`A=${value}`] }).args).toContain(word);
  });
});
