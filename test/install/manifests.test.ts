// What install prints for each option. test/golden/install has the whole text for a few sets of options.

import { describe, expect, it } from "vitest";
import { renderManifests } from "../../src/install/manifests.ts";
import type { Options } from "./support/manifests.ts";
import { container, deployment, env, manifest, manifests, podSpec } from "./support/manifests.ts";

const TEMPLATE = {
  path: "job.yaml",
  text: "spec:\n  template:\n    spec:\n      nodeSelector: {disk: ssd}\n",
};
const CONFIG = { path: "config.toml", text: '[cloud.agent]\nlevel = "DEBUG"\n' };
const EVERYTHING: Options = {
  rbac: "minimal",
  key: "SECRET-KEY",
  jobTemplate: TEMPLATE,
  configToml: CONFIG,
  resourceManager: true,
};

describe("agentManifests", () => {
  it("prints only the Deployment without options", () => {
    expect(manifests().map((doc) => doc.kind)).toEqual(["Deployment"]);
  });

  it("prints first the objects that the pod needs, and the Deployment last", () => {
    expect(manifests(EVERYTHING).map((doc) => `${doc.kind} ${doc.metadata.name}`)).toEqual([
      "ServiceAccount prefect-agent",
      "Role prefect-agent-rbac",
      "RoleBinding prefect-agent-rbac",
      "Role prefect-agent-rbac-dask",
      "RoleBinding prefect-agent-rbac-dask",
      "Secret prefect-agent",
      "ConfigMap prefect-agent-job-template",
      "ConfigMap prefect-agent-config",
      "Deployment prefect-agent",
    ]);
  });

  it("puts every object into the namespace of --namespace", () => {
    const namespaces = manifests({ ...EVERYTHING, namespace: "flows" }).map((doc) => doc.metadata.namespace);
    expect(new Set(namespaces)).toEqual(new Set(["flows"]));
  });

  it("names no namespace without --namespace, so that kubectl apply --namespace can set it", () => {
    expect(renderManifests(manifests(EVERYTHING), "yaml")).not.toMatch(/^\s*namespace:/m);
    expect(env(EVERYTHING)).toMatchObject({ NAMESPACE: { fieldRef: { fieldPath: "metadata.namespace" } } });
  });

  it("replaces Prefect's own Deployment: same name, selector and container", () => {
    const [ours, theirs] = [deployment(), deployment({ agent: "python" })];
    expect(ours.metadata.name).toBe(theirs.metadata.name);
    expect(ours.spec.selector).toEqual(theirs.spec.selector);
    expect(container().name).toBe(container({ agent: "python" }).name);
  });

  it("gives the pod the labels of the selector", () => {
    const { selector, template } = deployment().spec;
    expect(template.metadata.labels).toMatchObject(selector.matchLabels);
    expect(template.metadata.labels).toMatchObject({
      "app.kubernetes.io/name": "prefect-agent",
      "app.kubernetes.io/version": "1.2.3",
    });
  });
});

describe("the API key", () => {
  it("is in the Secret and nowhere else", () => {
    const secret = manifest({ key: "SECRET-KEY" }, "Secret");
    expect(secret["stringData"]).toEqual({ "api-key": "SECRET-KEY" });
    const rest = manifests({ key: "SECRET-KEY" }).filter((doc) => doc.kind !== "Secret");
    expect(JSON.stringify(rest)).not.toContain("SECRET-KEY");
  });

  it("is a reference for the agent and its flow Jobs", () => {
    expect(env({ key: "K" })["PREFECT__CLOUD__API_KEY"]).toEqual({
      secretKeyRef: { name: "prefect-agent", key: "api-key" },
    });
    expect(container({ key: "K" }).args).toContain("--key-secret=prefect-agent:api-key");
  });

  it.each([
    { keySecret: "mine", name: "mine", key: "api-key" },
    { keySecret: "mine:token", name: "mine", key: "token" },
  ])("is a reference to the existing Secret $keySecret, and none is created", ({ keySecret, name, key }) => {
    expect(manifests({ keySecret }).map((doc) => doc.kind)).toEqual(["Deployment"]);
    expect(env({ keySecret })["PREFECT__CLOUD__API_KEY"]).toEqual({ secretKeyRef: { name, key } });
    expect(container({ keySecret }).args).toContain(`--key-secret=${name}:${key}`);
  });

  it("is written out as in Prefect's own Deployment with --inline-key", () => {
    const options = { key: "K", inlineKey: true };
    expect(manifests(options).map((doc) => doc.kind)).toEqual(["Deployment"]);
    expect(env(options)).toMatchObject({
      PREFECT__CLOUD__API_KEY: "K",
      PREFECT__CLOUD__AGENT__AUTH_TOKEN: "K",
    });
    expect(container(options).args.join(" ")).not.toContain("--key-secret");
  });
});

describe("the pod's annotation", () => {
  const annotationOf = (options: Options): unknown => deployment(options).spec.template.metadata.annotations;

  it.each<{ what: string; one: Options; other: Options }>([
    { what: "key", one: { key: "A" }, other: { key: "B" } },
    {
      what: "template",
      one: { jobTemplate: TEMPLATE },
      other: { jobTemplate: { ...TEMPLATE, text: `${TEMPLATE.text}#` } },
    },
    { what: "configuration", one: { configToml: CONFIG }, other: { configToml: { ...CONFIG, text: "" } } },
  ])("changes with the $what, so that kubectl apply restarts the pod", ({ one, other }) => {
    expect(annotationOf(one)).toEqual(annotationOf({ ...one }));
    expect(annotationOf(one)).not.toEqual(annotationOf(other));
  });

  it("is absent when nothing is mounted or referenced", () => {
    expect(annotationOf({})).toBeUndefined();
  });
});

describe("mounted files", () => {
  it("are ConfigMaps with the unchanged text, mounted where the agent reads them", () => {
    expect(manifest(EVERYTHING, "ConfigMap", "prefect-agent-job-template")["data"]).toEqual({
      "job-template.yaml": TEMPLATE.text,
    });
    expect(manifest(EVERYTHING, "ConfigMap", "prefect-agent-config")["data"]).toEqual({
      "config.toml": CONFIG.text,
    });
    expect(container(EVERYTHING).args).toContain(
      "--job-template=/etc/prefect/job-template/job-template.yaml",
    );
    expect(env(EVERYTHING)["PREFECT__USER_CONFIG_PATH"]).toBe("/etc/prefect/config/config.toml");
    expect(container(EVERYTHING).volumeMounts).toEqual([
      { name: "job-template", mountPath: "/etc/prefect/job-template", readOnly: true },
      { name: "config", mountPath: "/etc/prefect/config", readOnly: true },
    ]);
    expect(podSpec(EVERYTHING).volumes).toEqual([
      { name: "job-template", configMap: { name: "prefect-agent-job-template" } },
      { name: "config", configMap: { name: "prefect-agent-config" } },
    ]);
  });

  it("do not include a template that the agent downloads", () => {
    const options = { jobTemplateUrl: "s3://bucket/job.yaml" };
    expect(manifests(options)).toHaveLength(1);
    expect(container(options).args).toContain("--job-template=s3://bucket/job.yaml");
  });
});

describe("the container", () => {
  it.each<{ options: Options; image: string }>([
    { options: {}, image: "ghcr.io/kubectl-prefect/kubectl-prefect:v1.2.3" },
    { options: { latest: true }, image: "ghcr.io/kubectl-prefect/kubectl-prefect:latest" },
    { options: { version: "1.2.3+5" }, image: "ghcr.io/kubectl-prefect/kubectl-prefect:latest" },
    {
      options: { image: "registry:5000/agent@sha256:" + "a".repeat(64) },
      image: "registry:5000/agent@sha256:" + "a".repeat(64),
    },
  ])("runs $image", ({ options, image }) => {
    expect(container(options).image).toBe(image);
  });

  it("has a version label only if the image has that version", () => {
    const labelled = (options: Options): boolean =>
      "app.kubernetes.io/version" in (deployment(options).metadata.labels ?? {});
    expect([{}, { latest: true }, { image: "mine" }, { version: "1.2.3+5" }].map(labelled)).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });

  it.each<{ name: string; options: Options; requests: object; limits: object }>([
    {
      name: "has defaults",
      options: {},
      requests: { cpu: "50m", memory: "128Mi" },
      limits: { memory: "384Mi" },
    },
    {
      name: "uses the options",
      options: { agentMemRequest: "1Gi", agentMemLimit: "2Gi", agentCpuRequest: "1", agentCpuLimit: "2" },
      requests: { cpu: "1", memory: "1Gi" },
      limits: { cpu: "2", memory: "2Gi" },
    },
    {
      name: "raises the default limit to a larger request",
      options: { agentMemRequest: "1Gi" },
      requests: { cpu: "50m", memory: "1Gi" },
      limits: { memory: "1Gi" },
    },
    {
      name: "lowers the default request to a smaller limit",
      options: { agentMemLimit: "100Mi" },
      requests: { cpu: "50m", memory: "100Mi" },
      limits: { memory: "100Mi" },
    },
    {
      name: "lowers the default CPU request to a smaller limit",
      options: { agentCpuLimit: "20m" },
      requests: { cpu: "20m", memory: "128Mi" },
      limits: { cpu: "20m", memory: "384Mi" },
    },
  ])("$name of CPU and memory", ({ options, requests, limits }) => {
    expect(container(options).resources).toEqual({ requests, limits });
  });

  it("gets defaults for flow Jobs as variables, with the names of Prefect's own install", () => {
    expect(
      env({ memRequest: "1G", memLimit: "2G", cpuRequest: "1", cpuLimit: "2", imagePullPolicy: "Never" }),
    ).toMatchObject({
      JOB_MEM_REQUEST: "1G",
      JOB_MEM_LIMIT: "2G",
      JOB_CPU_REQUEST: "1",
      JOB_CPU_LIMIT: "2",
      IMAGE_PULL_POLICY: "Never",
    });
    expect(container({ imagePullPolicy: "Never" }).imagePullPolicy).toBeUndefined();
    expect(container({ agentImagePullPolicy: "Never" }).imagePullPolicy).toBe("Never");
  });

  it("has no variables for options that are not set, so that a mounted configuration can set them", () => {
    expect(Object.keys(env({ configToml: CONFIG }))).toEqual(["NAMESPACE", "PREFECT__USER_CONFIG_PATH"]);
  });

  it("treats empty values as not set", () => {
    expect(
      manifests({ key: "", api: "", namespace: "", image: "", imagePullSecrets: "", agentMemLimit: "" }),
    ).toEqual(manifests());
  });
});

describe("the pod", () => {
  it("has the image pull Secrets of the flow Jobs", () => {
    expect(podSpec({ imagePullSecrets: "a, b" }).imagePullSecrets).toEqual([{ name: "a" }, { name: "b" }]);
    expect(container({ imagePullSecrets: "a, b" }).args).toContain("--image-pull-secrets=a,b");
  });

  it.each([
    { shutdownGrace: undefined, seconds: 45 },
    { shutdownGrace: "2m", seconds: 135 },
    { shutdownGrace: "500ms", seconds: 16 },
  ])(
    "has a longer termination grace period than --shutdown-grace $shutdownGrace",
    ({ shutdownGrace, seconds }) => {
      expect(podSpec({ shutdownGrace }).terminationGracePeriodSeconds).toBe(seconds);
    },
  );

  it("meets the restricted Pod Security Standard in every container", () => {
    // Without a user: OpenShift assigns one.
    expect(podSpec().securityContext).toEqual({
      runAsNonRoot: true,
      seccompProfile: { type: "RuntimeDefault" },
    });
    for (const each of podSpec({ resourceManager: true }).containers) {
      expect(each.securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] },
      });
    }
  });

  it.each<{ rbac: NonNullable<Options["rbac"]>; account: string }>([
    { rbac: false, account: "default" },
    { rbac: true, account: "default" },
    { rbac: "minimal", account: "prefect-agent" },
  ])("runs as $account with --rbac=$rbac, independent of flow Jobs", ({ rbac, account }) => {
    expect(podSpec({ rbac, serviceAccountName: "flows" }).serviceAccountName).toBe(account);
    expect(container({ rbac, serviceAccountName: "flows" }).args).toContain("--service-account-name=flows");
  });
});

describe("--resource-manager", () => {
  const OPTIONS: Options = { resourceManager: true, key: "K", api: "http://p:4200", backend: "server" };

  it("adds a container that runs cleanup, with the Prefect connection of the agent and without a port", () => {
    const manager = container(OPTIONS, "resource-manager");
    expect(manager.args).toEqual(["cleanup", "--every=60s", "--yes", "--agent=agent"]);
    expect(manager.image).toBe(container(OPTIONS).image);
    expect(env(OPTIONS, "resource-manager")).toEqual(env(OPTIONS));
    expect(manager.ports ?? manager.livenessProbe).toBeUndefined();
  });

  it.each<{ options: Options; args: readonly string[] }>([
    { options: { deleteFailedAfter: "24h" }, args: ["--older-than=86400s"] },
    { options: { deleteFailedAfter: "1h", deleteSucceededAfter: "2h30m" }, args: ["--older-than=9000s"] },
    { options: { deleteFailedAfter: "5m" }, args: [] },
  ])("keeps Jobs as long as the agent does: $options", ({ options, args }) => {
    const manager = container({ ...OPTIONS, ...options }, "resource-manager");
    expect(manager.args.slice(3)).toEqual([...args, "--agent=agent"]);
  });

  const configured = { name: "night", labels: ["k8s"] };
  it.each<{ what: string; options: Options; args: readonly string[] }>([
    {
      what: "flags",
      options: { name: "gpu", labels: ["a", "$(B)", "a"] },
      args: ["--agent=gpu", "--agent-label=a", "--agent-label=$$(B)"],
    },
    { what: "config.toml", options: { configured }, args: ["--agent=night", "--agent-label=k8s"] },
    {
      what: "flags before config.toml",
      options: { configured, name: "gpu", labels: ["a"] },
      args: ["--agent=gpu", "--agent-label=a"],
    },
  ])("acts for its own agent, by the name and labels of $what", ({ options, args }) => {
    expect(container({ ...OPTIONS, ...options }, "resource-manager").args.slice(3)).toEqual(args);
  });
});
