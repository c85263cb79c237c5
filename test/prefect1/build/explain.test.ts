import { describe, expect, it } from "vitest";
import { buildJob } from "../../../src/prefect1/build/build.ts";
import { explainJob } from "../../../src/prefect1/build/explain.ts";
import { DEFAULT_TEMPLATE } from "../../../src/prefect1/build/template.ts";
import { envOf, flowRun, IDENTIFIER, SETTINGS, template, withRunConfig } from "./support.ts";

const RUN = withRunConfig({ env: { A: "1" }, cpu_limit: "1", image_pull_secrets: ["s"], image: "i" });
const GIVEN = template({
  metadata: { name: "etl" },
  spec: {
    backoffLimit: 2,
    template: {
      spec: {
        nodeSelector: { disk: "ssd" },
        containers: [{ name: "main", env: [{ name: "T", value: "t" }] }],
      },
    },
  },
});
const OPTIONS = { ...SETTINGS, serviceAccountName: "sa", imagePullPolicy: "Always", owner: "me" };

describe("explainJob", () => {
  it.each([
    { name: "a rich template", run: RUN, settings: OPTIONS, given: GIVEN },
    { name: "the default", run: flowRun(), settings: SETTINGS, given: DEFAULT_TEMPLATE },
  ])("returns the same Job as buildJob for $name", ({ run, settings, given }) => {
    const input = { flowRun: run, settings, template: given, identifier: IDENTIFIER };
    expect(explainJob(input).job).toEqual(buildJob(input));
  });

  it("returns the source of each field", () => {
    const { job, fields } = explainJob({
      flowRun: RUN,
      settings: OPTIONS,
      template: GIVEN,
      identifier: IDENTIFIER,
    });
    const sourceOf = new Map(fields.map(({ path, source }) => [path, source]));
    const container = "spec.template.spec.containers[0]";
    const envNames = Object.keys(envOf(job));
    const envSource = (name: string): unknown =>
      sourceOf.get(`${container}.env[${envNames.indexOf(name)}].value`);
    expect(Object.fromEntries(sourceOf)).toMatchObject({
      apiVersion: "default",
      "metadata.name": "template",
      'metadata.labels["prefect.io/flow_run_id"]': "forced",
      'metadata.annotations["prefect.io/agent"]': "forced",
      "spec.backoffLimit": "template",
      'spec.template.metadata.annotations["cluster-autoscaler.kubernetes.io/safe-to-evict"]': "default",
      "spec.template.spec.nodeSelector.disk": "template",
      "spec.template.spec.serviceAccountName": "agent option",
      "spec.template.spec.imagePullSecrets[0].name": "run config",
      "spec.template.spec.restartPolicy": "default",
      [`${container}.name`]: "template",
      [`${container}.image`]: "run config",
      [`${container}.imagePullPolicy`]: "agent option",
      [`${container}.args[0]`]: "forced",
      [`${container}.resources.limits.cpu`]: "run config",
      [`${container}.resources.requests`]: "default",
    });
    expect(
      ["A", "T", "PREFECT__LOGGING__LEVEL", "PREFECT__BACKEND", "DASK_KUBERNETES__NAME"].map(envSource),
    ).toEqual(["run config", "template", "agent option", "forced", "default"]);
  });

  it("has the source `default` for fields of the default template", () => {
    const { fields } = explainJob({
      flowRun: flowRun(),
      settings: SETTINGS,
      template: DEFAULT_TEMPLATE,
      identifier: IDENTIFIER,
    });
    expect(fields.filter(({ source }) => source === "template")).toEqual([]);
  });
});
