// A fake cluster and a fake Prefect 1 API, and `doctor` against them.

import { expect, onTestFinished } from "vitest";
import type { Finding } from "../../../../src/doctor/finding.ts";
import { connectPrefect } from "../../../../src/prefect1/connect.ts";
import { startFakeKubernetes } from "../../../fakes/kubernetes/fake-kubernetes.ts";
import type { FakeKubernetes } from "../../../fakes/kubernetes/fake-kubernetes.ts";
import { startFakePrefect1 } from "../../../fakes/prefect1/fake-prefect1.ts";
import type { FakePrefect1, FakePrefect1Options } from "../../../fakes/prefect1/fake-prefect1.ts";
import { ended, POD, putJob, runId } from "../../../inventory/test-cluster.ts";
import { runCli } from "../../../support/run-cli.ts";
import type { CliInput, CliResult } from "../../../support/run-cli.ts";

export const KEY = "pcu_doctor_secret";
export const NAMESPACE = "flows";
export const AGENT = "system:serviceaccount:flows:prefect-agent";
export const NO_PREFECT = { PREFECT__CLOUD__API: "", PREFECT__BACKEND: "", PREFECT__CLOUD__API_KEY: "" };
export const MINUTE_MS = 60_000;

export interface TestCluster {
  readonly kube: FakeKubernetes;
  readonly prefect: FakePrefect1;
  /** `kubectl prefect doctor ARGV…`; fails if the output contains the API key. */
  readonly doctor: (
    argv?: readonly string[],
    input?: CliInput & { readonly token?: string },
  ) => Promise<CliResult>;
}

export interface Report {
  readonly status: string;
  readonly summary: Readonly<Record<string, number>>;
  readonly findings: readonly Finding[];
}

/** A cluster, and a Prefect server whose address is configured. */
export async function startTestCluster(options: FakePrefect1Options = {}): Promise<TestCluster> {
  const tokens = { admin: "admin", weak: "weak" };
  const kube = await startFakeKubernetes({ namespaces: [NAMESPACE], controller: false, tokens });
  onTestFinished(() => kube.stop());
  const prefect = await startFakePrefect1({ apiKey: KEY, ...options });
  onTestFinished(() => prefect.stop());
  const doctor: TestCluster["doctor"] = async (argv = [], input = {}) => {
    const kubeconfig = kube.kubeconfig({ token: input.token ?? "admin", namespace: NAMESPACE });
    const result = await runCli(["doctor", ...argv], {
      ...input,
      files: { "/kubeconfig": kubeconfig, ...input.files },
      env: {
        KUBECONFIG: "/kubeconfig",
        PREFECT__CLOUD__API: prefect.url,
        PREFECT__BACKEND: options.flavour ?? "server",
        PREFECT__CLOUD__API_KEY: KEY,
        ...input.env,
      },
    });
    expect(result.stdout + result.stderr).not.toContain(KEY);
    return result;
  };
  return { kube, prefect, doctor };
}

/** The Deployment of an agent, named as its ServiceAccount. */
export function putDeployment({ kube }: TestCluster, name: string): void {
  const template = { spec: { serviceAccountName: name } };
  const metadata = { name, namespace: NAMESPACE, labels: { app: "prefect-agent" } };
  kube.put("deployments", { metadata, spec: { replicas: 1, template } });
}

/** A pod of the agent, as install makes it; ready unless `status` says otherwise. */
export function putAgentPod(
  { kube, prefect }: TestCluster,
  args: readonly string[],
  { podName = "agent-1", ...status }: { readonly podName?: string; readonly [field: string]: unknown } = {},
): void {
  const creationTimestamp = new Date(Date.now() - 180 * MINUTE_MS).toISOString();
  const env = [{ name: "PREFECT__CLOUD__API", value: prefect.url }];
  const spec = {
    serviceAccountName: "prefect-agent",
    containers: [{ name: "agent", args: ["agent", "start", "--name=prod", ...args], env }],
  };
  const container = { name: "agent", ready: true, restartCount: 0, state: { running: {} }, ...status };
  kube.put("pods", {
    metadata: { name: podName, namespace: NAMESPACE, labels: { app: "prefect-agent" }, creationTimestamp },
    spec,
    status: { phase: "Running", containerStatuses: [container] },
  });
}

/** An agent that has just polled. */
export async function registerAgent(
  { prefect }: TestCluster,
  name: string,
  labels: readonly string[],
): Promise<void> {
  const target = { url: prefect.url, backend: "server", apiKey: KEY, timeoutMs: 5_000 };
  const api = connectPrefect(target, { env: {} });
  await api.registerAgent({ name, labels });
  api.close();
}

export async function reported(
  testCluster: TestCluster,
  ...args: Parameters<TestCluster["doctor"]>
): Promise<Report & { exitCode: number }> {
  const [argv = [], cli] = args;
  const { stdout, stderr, exitCode } = await testCluster.doctor([...argv, "-o", "json"], cli);
  expect(stderr).toBe("");
  return { ...(JSON.parse(stdout) as Report), exitCode };
}

/** `broken API key: …` of all that is not ok. */
export function amiss({ findings }: Report): string[] {
  return findings
    .filter(({ status }) => status !== "ok")
    .map(({ status, check, message }) => `${status} ${check}: ${message}`);
}

/** A Job that succeeded three days ago: a leftover. */
export function putLeftover({ kube }: TestCluster): void {
  const status = ended("Complete");
  putJob({ fake: kube }, "old", { run: runId(1), namespace: NAMESPACE, pod: POD.done, status });
}
