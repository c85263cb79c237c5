// What is read from the pod of an agent is what install has written into its Deployment.

import { describe, expect, it } from "vitest";
import { installedAgent } from "../../src/prefect1/installed-agent.ts";
import type { Pod } from "../../src/kube/client/objects.ts";
import type { Options } from "../install/support/manifests.ts";
import { podSpec } from "../install/support/manifests.ts";
import { pod } from "../job/observed-jobs.ts";

function agentOf(spec: Pod["spec"], given: Parameters<typeof installedAgent>[1] = {}) {
  const { settings, pod: _, ...agent } = installedAgent(pod({ spec }), given);
  const { namespace, serviceAccountName, imagePullSecrets, keySecret } = settings;
  return { ...agent, namespace, serviceAccountName, imagePullSecrets, keySecret };
}

const installed = (options: Options) => agentOf(podSpec(options));

describe("the agent in a pod", () => {
  it("is ours, with what install was told", () => {
    expect(
      installed({
        api: "http://me:pw@apollo:4200",
        backend: "server",
        rbac: "minimal",
        labels: ["k8s", "eu"],
        name: "prod",
        keySecret: "keys:token",
        serviceAccountName: "flow",
        imagePullSecrets: "pull-a, pull-b",
        replicas: "2",
        resourceManager: true,
        jobTemplateUrl: "s3://bucket/job.yaml",
      }),
    ).toEqual({
      container: "agent",
      name: "prod",
      account: { namespace: "flows", name: "prefect-agent" },
      labels: ["k8s", "eu"],
      api: "http://apollo:4200",
      isOriginal: false,
      hasTemplate: true,
      leaderElect: true,
      cleansUp: true,
      namespace: "flows",
      serviceAccountName: "flow",
      imagePullSecrets: ["pull-a", "pull-b"],
      keySecret: { name: "keys", key: "token" },
    });
  });

  it("is Prefect's own, with what its install was told", () => {
    const options = {
      labels: ["k8s", "eu"],
      namespace: "jobs",
      backend: "server",
      serviceAccountName: "flow",
    };
    expect(installed({ agent: "python", ...options })).toMatchObject({
      name: "agent",
      account: { namespace: "flows", name: "default" },
      labels: ["eu", "k8s"],
      namespace: "jobs",
      serviceAccountName: "flow",
      isOriginal: true,
      hasTemplate: false,
      leaderElect: false,
      cleansUp: false,
    });
  });

  it.each([
    {
      command: ["prefect"],
      args: ["agent", "kubernetes", "start", "-n", "night", "-l", "a", "--label", "b"],
    },
    { command: ["/bin/sh", "-c"], args: ["prefect agent kubernetes start -n night -l a --label=b"] },
    {
      command: ["kubectl-prefect"],
      args: ["agent", "start", "--name", "night", "-l", "a", "-l", "b", "-n", "flows"],
    },
  ])("is read from $command $args", ({ command, args }) => {
    const spec = { containers: [{ name: "proxy" }, { name: "main", command, args }] };
    expect(agentOf(spec)).toMatchObject({
      container: "main",
      name: "night",
      labels: ["a", "b"],
      namespace: "flows",
    });
  });

  it("may have labels and address in a file that only the pod has", () => {
    const configToml = { path: "config.toml", text: '[cloud]\napi = "http://p"\n' };
    expect(installed({ configToml })).toMatchObject({ labels: undefined, api: undefined });
    expect(installed({ configToml, labels: ["a"], api: "http://q" })).toMatchObject({
      labels: ["a"],
      api: "http://q",
    });
  });

  it("is taken as the options of doctor say", () => {
    const given = { labels: ["gpu"], serviceAccountName: "mine" };
    expect(agentOf(podSpec({ labels: ["k8s"] }), given)).toMatchObject(given);
  });
});
