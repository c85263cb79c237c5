import { describe, expect, it } from "vitest";
import { buildJob, jobName } from "../../../src/prefect1/build/build.ts";
import { readFlowRun } from "../../../src/prefect1/flow-run.ts";
import { templateOf } from "../../../src/prefect1/build/template.ts";
import {
  build,
  containerOf,
  containerTemplate,
  flowRun,
  IDENTIFIER,
  podSpecOf,
  podTemplate,
  SETTINGS,
  template,
  withRunConfig,
} from "./support.ts";

const POD = { spec: { template: { spec: { containers: [{ name: "flow" }] } } } };
const OURS = {
  "prefect.io/identifier": IDENTIFIER,
  "prefect.io/flow_run_id": "11111111-2222-4333-8444-555555555555",
  "prefect.io/flow_id": "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee",
};

const EVICT = "cluster-autoscaler.kubernetes.io/safe-to-evict";
const DISRUPT = "karpenter.sh/do-not-disrupt";
const SPOT = "cloud.google.com/gke-spot";

describe("jobName", () => {
  it.each([
    { given: undefined, want: "prefect-job-01234567" },
    { given: "", want: "prefect-job-01234567" },
    { given: null, want: "prefect-job-01234567" },
    { given: "etl", want: "etl-01234567" },
    { given: `${"a".repeat(48)}bcd`, want: `${"a".repeat(48)}-01234567` },
    { given: `${"a".repeat(47)}-bcd`, want: `${"a".repeat(47)}-01234567` },
    { given: `${"a".repeat(46)}.-bcd`, want: `${"a".repeat(46)}-01234567` },
    { given: "---", want: "prefect-job-01234567" },
  ])("makes $want of the template's name $given", ({ given, want }) => {
    expect(jobName(template({ ...POD, metadata: { name: given } }), IDENTIFIER)).toBe(want);
  });
});

describe("buildJob", () => {
  it("sets the three labels on the Job and its pods, over the template's", () => {
    const given = template({
      metadata: { labels: { team: "data", "prefect.io/flow_id": "old" } },
      spec: { template: { metadata: { labels: { tier: "batch" } }, spec: {} } },
    });
    const job = build({ template: given });
    expect(job.metadata.labels).toEqual({ team: "data", ...OURS });
    expect(job.spec.template.metadata.labels).toEqual({ tier: "batch", ...OURS });
  });

  it("fills in apiVersion and kind, and keeps every other field of the template", () => {
    const job = build({
      template: template({ spec: { ttlSecondsAfterFinished: 5, template: { spec: {} } } }),
    });
    expect(job).toMatchObject({ apiVersion: "batch/v1", kind: "Job", spec: { ttlSecondsAfterFinished: 5 } });
  });

  it.each([
    { given: {}, want: 0 },
    { given: { backoffLimit: null }, want: 0 },
    { given: { backoffLimit: 0 }, want: 0 },
    { given: { backoffLimit: 4 }, want: 4 },
    { given: { backoffLimitPerIndex: 2 }, want: 2 },
    { given: { backoffLimitPerIndex: 2, backoffLimit: 4 }, want: 4 },
  ])("has backoffLimit $want for the template's $given", ({ given, want }) => {
    const job = build({ template: template({ spec: { ...given, template: { spec: {} } } }) });
    expect(job.spec["backoffLimit"]).toBe(want);
  });

  it("leaves backoffLimit to the API server where the container is restarted in its pod", () => {
    const job = build({
      template: template({ spec: { template: { spec: { restartPolicy: "OnFailure" } } } }),
    });
    expect(job.spec).not.toHaveProperty("backoffLimit");
    expect(job.metadata.annotations).toBeUndefined();
  });

  it("notes on the Job that the template itself wants its container restarted so often", () => {
    const spec = { backoffLimit: 6, template: { spec: { restartPolicy: "OnFailure" } } };
    const job = build({ settings: { owner: "agent-1" }, template: template({ spec }) });
    expect(job.spec["backoffLimit"]).toBe(6);
    expect(job.metadata.annotations).toMatchObject({ "prefect.io/own-retries": "true" });
  });

  it.each<{ name: string; given?: object; settings?: object; spec?: object; want: object }>([
    { name: "both", want: { [EVICT]: "false", [DISRUPT]: "true" } },
    {
      name: "both where the template says null",
      given: { [EVICT]: null },
      want: { [EVICT]: "false", [DISRUPT]: "true" },
    },
    {
      name: "what the template says",
      given: { [EVICT]: "true" },
      want: { [EVICT]: "true", [DISRUPT]: "true" },
    },
    {
      name: "what the template says of the other",
      given: { [DISRUPT]: "no" },
      want: { [EVICT]: "false", [DISRUPT]: "no" },
    },
    { name: "neither with --safe-to-evict", settings: { safeToEvict: true }, want: {} },
    {
      name: "only the template's own with --safe-to-evict",
      given: { [EVICT]: "false" },
      settings: { safeToEvict: true },
      want: { [EVICT]: "false" },
    },
    { name: "neither for a spot node", spec: { nodeSelector: { [SPOT]: "true" } }, want: {} },
    {
      name: "neither where a spot node is tolerated",
      spec: { tolerations: [{ key: SPOT, operator: "Exists" }] },
      want: {},
    },
    {
      name: "only the template's own for a spot node",
      given: { [DISRUPT]: "true" },
      spec: { nodeSelector: { [SPOT]: "true" } },
      want: { [DISRUPT]: "true" },
    },
  ])("annotates pods against eviction: $name", ({ given = {}, settings = {}, spec = {}, want }) => {
    const podTemplate = { metadata: { annotations: given }, spec };
    const job = build({ settings, template: template({ spec: { template: podTemplate } }) });
    expect(job.spec.template.metadata.annotations ?? {}).toEqual(want);
  });

  it("annotates the Job with its owner, beside the template's annotations", () => {
    const given = template({ ...POD, metadata: { annotations: { a: "b" } } });
    const job = build({ settings: { owner: "agent-1" }, template: given });
    expect(job.metadata.annotations).toEqual({ a: "b", "prefect.io/agent": "agent-1" });
  });

  it.each([undefined, "", "flows"])("accepts a template for the namespace %j", (namespace) => {
    const job = build({ template: template({ ...POD, metadata: { namespace } }) });
    expect(job.metadata["namespace"]).toBe(namespace);
  });

  it("refuses a template for another namespace than the agent's", () => {
    const given = template({ ...POD, metadata: { namespace: "prod" } });
    expect(() => build({ template: given })).toThrow(/template for the namespace `prod`.*in `flows`/);
  });

  it("does not modify the template", () => {
    const given = template({ metadata: { labels: { a: "b" } }, ...POD });
    const before = structuredClone(given);
    build({ run: withRunConfig({ env: { A: "1" }, cpu_limit: "1", image: "i" }), template: given });
    expect(given).toEqual(before);
  });
});

describe("the pod's service account", () => {
  it.each([
    { run: "rc", from: "run config" as const, given: "tmpl", agent: "agent", want: "rc" },
    { run: "", from: "agent" as const, given: "tmpl", agent: "agent", want: "" },
    { run: null, from: "run config" as const, given: "tmpl", agent: "agent", want: "tmpl" },
    { run: null, from: "run config" as const, given: null, agent: "agent", want: undefined },
    { run: null, from: "run config" as const, given: undefined, agent: "agent", want: "agent" },
    { run: null, from: "agent" as const, given: "tmpl", agent: "agent", want: "agent" },
    { run: null, from: "agent" as const, given: null, agent: "agent", want: "agent" },
    { run: null, from: "agent" as const, given: "tmpl", agent: undefined, want: "tmpl" },
    { run: null, from: "agent" as const, given: undefined, agent: undefined, want: undefined },
  ])(
    "is $want for run config $run, $from template $given, agent $agent",
    ({ run, from, given, agent, want }) => {
      const podSpec = given === undefined ? {} : { serviceAccountName: given };
      const job = build({
        run: withRunConfig({ service_account_name: run }),
        settings: { serviceAccountName: agent },
        template: podTemplate(podSpec, from),
      });
      expect(podSpecOf(job)["serviceAccountName"]).toBe(want);
    },
  );
});

describe("the pod's image pull secrets", () => {
  it.each([
    { run: ["rc"], from: "run config" as const, given: ["t"], agent: ["a"], want: ["rc"] },
    { run: [], from: "run config" as const, given: ["t"], agent: ["a"], want: ["t"] },
    { run: "", from: "run config" as const, given: undefined, agent: ["a"], want: ["a"] },
    { run: null, from: "run config" as const, given: null, agent: ["a"], want: undefined },
    { run: null, from: "agent" as const, given: ["t"], agent: ["a", "b"], want: ["a", "b"] },
    { run: null, from: "agent" as const, given: ["t"], agent: undefined, want: ["t"] },
    { run: null, from: "agent" as const, given: undefined, agent: undefined, want: undefined },
  ])(
    "are $want for run config $run, $from template $given, agent $agent",
    ({ run, from, given, agent, want }) => {
      const named = (names: readonly string[]): { name: string }[] => names.map((name) => ({ name }));
      const podSpec = given === undefined ? {} : { imagePullSecrets: given && named(given) };
      const job = build({
        run: withRunConfig({ image_pull_secrets: run }),
        settings: { imagePullSecrets: agent },
        template: podTemplate(podSpec, from),
      });
      expect(podSpecOf(job)["imagePullSecrets"]).toEqual(want && named(want));
    },
  );
});

describe("the container that runs the flow", () => {
  it.each([
    { title: "the first", names: ["main", "side"], at: 0 },
    { title: "the one named flow", names: ["side", "flow"], at: 1 },
  ])("is $title of $names", ({ names, at }) => {
    const job = build({
      template: podTemplate({ containers: names.map((name) => ({ name, image: name })) }),
    });
    const withArgs = job.spec.template.spec.containers.map((container) => "args" in container);
    expect(withArgs).toEqual(names.map((_, index) => index === at));
  });

  it.each([{}, { containers: null }, { containers: [] }])(
    "is added, with the name flow, for %j",
    (podSpec) => {
      const job = build({ template: podTemplate(podSpec) });
      expect(containerOf(job)).toMatchObject({ name: "flow", image: "prefecthq/prefect:1.4.1" });
    },
  );

  it.each([
    { given: undefined, want: "Never" },
    { given: null, want: "Never" },
    { given: "OnFailure", want: "OnFailure" },
  ])("has restartPolicy $want for the template's $given", ({ given, want }) => {
    const job = build({ template: podTemplate({ restartPolicy: given }) });
    expect(podSpecOf(job)["restartPolicy"]).toBe(want);
  });

  it.each([
    {
      title: "Docker storage first",
      docker: true,
      run: "rc:1",
      given: "tmpl:1",
      core: "1.4.1",
      want: "r.io/n:t",
    },
    {
      title: "then the run config",
      docker: false,
      run: "rc:1",
      given: "tmpl:1",
      core: "1.4.1",
      want: "rc:1",
    },
    { title: "even if empty", docker: false, run: "", given: "tmpl:1", core: "1.4.1", want: "" },
    { title: "then the template", docker: false, run: null, given: "tmpl:1", core: "1.4.1", want: "tmpl:1" },
    {
      title: "then Prefect's",
      docker: false,
      run: null,
      given: null,
      core: "0.15.3",
      want: "prefecthq/prefect:0.15.3",
    },
    {
      title: "without local version",
      docker: false,
      run: null,
      given: undefined,
      core: "0.14.0+9.gabc",
      want: "prefecthq/prefect:0.14.0",
    },
    {
      title: "latest for none",
      docker: false,
      run: null,
      given: null,
      core: null,
      want: "prefecthq/prefect:latest",
    },
  ])("has its image from: $title", ({ docker, run, given, core, want }) => {
    const storage = docker
      ? { type: "Docker", registry_url: "r.io", image_name: "n", image_tag: "t" }
      : { type: "S3", bucket: "b" };
    const runConfig = { run_config: { type: "KubernetesRun", image: run } };
    const job = build({
      run: flowRun(runConfig, { storage, core_version: core }),
      template: containerTemplate({ name: "flow", image: given }),
    });
    expect(containerOf(job)["image"]).toBe(want);
  });

  it("ignores the image of a legacy environment, like Core 1.4.1", () => {
    const environment = { type: "LocalEnvironment", metadata: { image: "old:1" } };
    const run = readFlowRun({ ...flowRun(), flow: { ...flowRun().flow, environment } });
    expect(containerOf(build({ run }))["image"]).toBe("prefecthq/prefect:1.4.1");
  });

  it.each([
    { run: "Never", given: "Always", agent: "IfNotPresent", want: "Never" },
    { run: null, given: "Always", agent: "IfNotPresent", want: "Always" },
    { run: null, given: null, agent: "IfNotPresent", want: "IfNotPresent" },
    { run: null, given: undefined, agent: undefined, want: undefined },
  ])(
    "has pull policy $want for run config $run, template $given, agent $agent",
    ({ run, given, agent, want }) => {
      const job = build({
        run: withRunConfig({ image_pull_policy: run }),
        settings: { imagePullPolicy: agent },
        template: containerTemplate({ name: "flow", imagePullPolicy: given }),
      });
      expect(containerOf(job)["imagePullPolicy"]).toBe(want);
    },
  );

  it.each([
    { core: "0.12.6", want: "cloud-flow" },
    { core: null, want: "cloud-flow" },
    { core: "0.13.0", want: "flow-run" },
    { core: "1.4.1", want: "flow-run" },
  ])("runs $want for Core $core, and keeps the template's command", ({ core, want }) => {
    const job = build({
      run: flowRun({}, { core_version: core }),
      template: containerTemplate({ name: "flow", command: ["tini"], args: ["other"] }),
    });
    expect(containerOf(job)).toMatchObject({ command: ["tini"], args: ["prefect", "execute", want] });
  });

  it("refuses an invalid core version", () => {
    expect(() => build({ run: flowRun({}, { core_version: "one" }) })).toThrow(
      "invalid `core_version` 'one'",
    );
  });

  it.each([
    { run: {}, given: undefined, agent: {}, want: { requests: {}, limits: {} } },
    { run: {}, given: { requests: null }, agent: {}, want: { requests: {}, limits: {} } },
    {
      run: { cpu_request: "1", memory_limit: "2Gi" },
      given: { requests: { cpu: "9", gpu: "1" }, limits: { memory: "9" } },
      agent: { cpuRequest: "7", memoryLimit: "7" },
      want: { requests: { cpu: "1", gpu: "1" }, limits: { memory: "2Gi" } },
    },
    {
      run: { cpu_request: "" },
      given: { requests: { cpu: "9" } },
      agent: { cpuRequest: "7", cpuLimit: "10", memoryRequest: "1Gi", memoryLimit: "" },
      want: { requests: { cpu: "9", memory: "1Gi" }, limits: { cpu: "10" } },
    },
    {
      run: { memory_request: "4G", cpu_limit: "500m" },
      given: {},
      agent: { memoryLimit: "512Mi", cpuRequest: "1" },
      want: { requests: { memory: "4G" }, limits: { cpu: "500m" } },
    },
    {
      run: {},
      given: { requests: { cpu: 2 } },
      agent: { cpuLimit: "1", memoryLimit: "1Gi" },
      want: { requests: { cpu: 2 }, limits: { memory: "1Gi" } },
    },
    {
      run: { cpu_limit: "1", memory_request: "1Gi" },
      given: { claims: [{ name: "c" }] },
      agent: {},
      want: { claims: [{ name: "c" }], requests: { memory: "1Gi" }, limits: { cpu: "1" } },
    },
  ])(
    "has resources $want for run config $run, template $given, agent $agent",
    ({ run, given, agent, want }) => {
      const job = build({
        run: withRunConfig(run),
        settings: { resources: agent },
        template: containerTemplate({ name: "flow", resources: given }),
      });
      expect(containerOf(job)["resources"]).toEqual(want);
    },
  );
});

describe("the errors of buildJob", () => {
  it("are JobErrors and not retryable", () => {
    const broken = flowRun({ run_config: { type: "DockerRun" } });
    const given = templateOf(POD, { from: "agent", name: "t" });
    const input = { flowRun: broken, settings: SETTINGS, template: given, identifier: IDENTIFIER };
    const thrown = thrownBy(() => buildJob(input));
    expect(thrown).toMatchObject({ name: "JobError", retryable: false, exitCode: 1 });
  });
});

function thrownBy(act: () => unknown): unknown {
  try {
    return act();
  } catch (error) {
    return error;
  }
}
