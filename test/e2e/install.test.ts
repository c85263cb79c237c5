// The output of install, applied to a real API server: every option in a dry run, then really applied one over the other, with a
// check of the granted permissions.

import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { agentManifests, renderManifests } from "../../src/install/manifests.ts";
import type { InstallOptions } from "../../src/install/options.ts";
import { AGENT_PERMISSIONS } from "../../src/kube/permissions.ts";
import { kubectl, mustKubectl, serverMinor } from "./support/kubectl.ts";
import type { CommandResult } from "./support/kubectl.ts";
import { createNamespace, removeNamespace } from "./support/namespace.ts";

type Options = Partial<InstallOptions>;

let namespace = "";
const TEMPLATE = { path: "job.yaml", text: "kind: Job\nspec:\n  template:\n    spec: {}\n" };
const CONFIG = { path: "config.toml", text: '[cloud.agent]\nlevel = "DEBUG"\n' };

interface Permission {
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string | undefined;
  readonly verb: string;
}

function printed(options: Options, format: "yaml" | "json" = "yaml"): string {
  return renderManifests(agentManifests({ version: "0.1.0", ...options }), format);
}

function apply(options: Options, flags: readonly string[] = []): CommandResult {
  const result = kubectl(["apply", "-n", namespace, ...flags, "-f", "-"], printed(options));
  if (result.code !== 0) throw new Error(`kubectl apply: ${result.stderr}`);
  return result;
}

/** The pod spec of the Deployment on the server. */
function podSpec(): Record<string, unknown> & { containers: Record<string, unknown>[] } {
  const stdout = mustKubectl(["get", "deployment/prefect-agent", "-n", namespace, "-o", "json"]);
  return JSON.parse(stdout).spec.template.spec;
}

/** A SubjectAccessReview: `kubectl auth can-i` does not know the group of a kind that is not installed. */
function isAllowed(account: string, permission: Permission): boolean {
  const review = {
    apiVersion: "authorization.k8s.io/v1",
    kind: "SubjectAccessReview",
    spec: {
      user: `system:serviceaccount:${namespace}:${account}`,
      resourceAttributes: { namespace, ...permission },
    },
  };
  return JSON.parse(mustKubectl(["create", "-o", "json", "-f", "-"], JSON.stringify(review))).status.allowed;
}

const PERMISSIONS: readonly Permission[] = AGENT_PERMISSIONS.filter(
  (row) => row.feature !== "leader election",
).flatMap(({ group, resource, subresource, verbs }) =>
  verbs.map((verb) => ({ group, resource, subresource, verb })),
);

const CREATE_JOBS: Permission = { group: "batch", resource: "jobs", verb: "create" };
const LIST_PODS: Permission = { group: "", resource: "pods", verb: "list" };

beforeAll(async () => {
  namespace = await createNamespace("install");
  mustKubectl(["label", "namespace", namespace, "pod-security.kubernetes.io/warn=restricted"]);
});

afterAll(() => {
  removeNamespace(namespace);
});

describe("kubectl apply --dry-run=server accepts", () => {
  it.each<{ name: string; options: Options }>([
    { name: "the defaults", options: {} },
    { name: "key and permissions", options: { key: "KEY", rbac: true, labels: ["kube"] } },
    { name: "a key in the Deployment", options: { key: "KEY", inlineKey: true } },
    { name: "a key of an existing Secret", options: { keySecret: "mine:token", rbac: "minimal" } },
    { name: "files", options: { jobTemplate: TEMPLATE, configToml: CONFIG } },
    {
      name: "texts that YAML 1.1 would not read as strings",
      options: {
        labels: ["yes", "n", "0x1f", "1e3", "~"],
        env: ["A=on", "B=012", "C=1:30", "D==", "E=$(x)\n #é😀"],
        key: "012",
      },
    },
    { name: "replicas", options: { replicas: "3", rbac: "minimal" } },
    {
      name: "every other option",
      options: {
        namespace,
        api: "http://prefect-server-apollo:4200",
        backend: "server",
        tenantId: "t-1",
        agentConfigId: "c-1",
        name: "night shift",
        noCloudLogs: true,
        logLevel: "debug",
        logFormat: "json",
        limit: "10",
        concurrency: "4",
        startGrace: "1m",
        pendingTimeout: "1h",
        onDisruption: "retry",
        cancelGrace: "30s",
        shutdownGrace: "1m",
        deleteFailedAfter: "1h",
        safeToEvict: true,
        noDaskName: true,
        serviceAccountName: "flows",
        imagePullSecrets: "a,b",
        imagePullPolicy: "Always",
        memRequest: "512Mi",
        cpuLimit: "2",
        latest: true,
        agentImagePullPolicy: "IfNotPresent",
        agentMemRequest: "1Gi",
        agentCpuLimit: "20m",
        resourceManager: true,
        jobTemplateUrl: "s3://bucket/job.yaml",
        rbac: true,
      },
    },
  ])("$name", ({ options }) => {
    const documents = agentManifests({ version: "0.1.0", ...options }).length;
    const { stdout, stderr } = apply(options, ["--dry-run=server"]);
    expect(stdout.trim().split("\n")).toHaveLength(documents);
    expect(stderr).not.toMatch(/PodSecurity|unknown field|duplicate/);
  });

  it("Prefect's own agent", () => {
    const { stdout } = apply({ agent: "python", key: "KEY", namespace, rbac: true }, ["--dry-run=server"]);
    expect(stdout.trim().split("\n")).toHaveLength(3);
  });

  it("the List in JSON", () => {
    const stdout = mustKubectl(
      ["apply", "-n", namespace, "--dry-run=server", "-f", "-"],
      printed({ key: "KEY", rbac: "minimal" }, "json"),
    );
    expect(stdout.trim().split("\n")).toHaveLength(7);
  });
});

describe("the server", () => {
  it("warns about the pod of Prefect's own agent under the restricted standard, if it supports Pod Security Standards", () => {
    const { stderr } = apply({ agent: "python" }, ["--dry-run=server"]);
    expect(stderr.includes("PodSecurity")).toBe(serverMinor() >= 23);
  });

  it("reads the same values from the YAML", () => {
    const options: Options = { labels: ["yes", "012"], env: ["A=1:30", "B=é😀\n#"] };
    const stdout = mustKubectl(
      ["apply", "-n", namespace, "--dry-run=server", "-o", "json", "-f", "-"],
      printed(options),
    );
    const { args } = JSON.parse(stdout).spec.template.spec.containers[0];
    expect(args.slice(3)).toEqual(["--label=yes", "--label=012", "--env=A=1:30", "--env=B=é😀\n#"]);
  });
});

describe("kubectl apply -n", () => {
  it("replaces Prefect's own agent completely", () => {
    apply({ agent: "python", key: "KEY", imagePullSecrets: "regcred" });
    apply({ key: "KEY" });
    const { containers, ...pod } = podSpec();
    expect(pod["imagePullSecrets"]).toBeUndefined();
    expect(containers).toHaveLength(1);
    expect(containers[0]).toMatchObject({ args: ["agent", "start", expect.any(String), expect.any(String)] });
    expect(containers[0]!["command"]).toBeUndefined();
    expect(containers[0]!["livenessProbe"]).toMatchObject({ httpGet: { path: "/livez", port: "http" } });
    expect(JSON.stringify(containers)).not.toMatch(/AUTH_TOKEN|"KEY"/);
  });

  it("grants the permissions to the ServiceAccount of that namespace only", async () => {
    apply({ rbac: true });
    await vi.waitFor(() => expect(isAllowed("default", CREATE_JOBS)).toBe(true));
    expect(PERMISSIONS.filter((each) => !isAllowed("default", each))).toEqual([]);
    expect(isAllowed("prefect-agent", LIST_PODS)).toBe(false);
  });

  it("moves the agent and its permissions to its own ServiceAccount and back", async () => {
    apply({ rbac: "minimal" });
    expect(podSpec()).toMatchObject({ serviceAccountName: "prefect-agent" });
    await vi.waitFor(() => expect(isAllowed("default", LIST_PODS)).toBe(false));
    expect(PERMISSIONS.filter((each) => !isAllowed("prefect-agent", each))).toEqual([]);
    expect(isAllowed("prefect-agent", { ...LIST_PODS, verb: "create" })).toBe(false);
    expect(isAllowed("prefect-agent", { group: "", resource: "secrets", verb: "get" })).toBe(false);
    apply({});
    expect(podSpec()).toMatchObject({ serviceAccountName: "default", serviceAccount: "default" });
  });

  it("restarts the pod when only the key changes", () => {
    const templateOf = (): unknown =>
      JSON.parse(mustKubectl(["get", "deployment/prefect-agent", "-n", namespace, "-o", "json"])).spec
        .template;
    apply({ key: "ONE" });
    const before = templateOf();
    apply({ key: "ONE" });
    expect(templateOf()).toEqual(before);
    apply({ key: "TWO" });
    expect(templateOf()).not.toEqual(before);
  });
});
