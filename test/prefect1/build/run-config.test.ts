import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../src/base/json.ts";
import { JobError } from "../../../src/job/errors.ts";
import { readRunConfig } from "../../../src/prefect1/build/run-config.ts";
import { flowRun } from "./support.ts";

const read = (fields: JsonObject | null): ReturnType<typeof readRunConfig> =>
  readRunConfig(flowRun({ run_config: fields }));

describe("readRunConfig", () => {
  it.each([
    { wire: null },
    { wire: { type: "KubernetesRun" } },
    { wire: { type: "UniversalRun", labels: ["a"] } },
  ])("takes the defaults for $wire", ({ wire }) => {
    expect(read(wire)).toEqual({
      env: {},
      jobTemplate: null,
      jobTemplatePath: null,
      image: null,
      cpuLimit: null,
      cpuRequest: null,
      memoryLimit: null,
      memoryRequest: null,
      serviceAccountName: null,
      imagePullSecrets: [],
      imagePullPolicy: null,
    });
  });

  it("reads every field, and ignores unknown ones", () => {
    const wire = {
      type: "KubernetesRun",
      __version__: "0.15.0",
      something: "new",
      labels: ["a"],
      env: { A: 1 },
      job_template_path: "s3://b/k",
      image: "i",
      cpu_limit: "2",
      cpu_request: "1",
      memory_limit: "2Gi",
      memory_request: "1Gi",
      service_account_name: "sa",
      image_pull_secrets: ["s"],
      image_pull_policy: "Always",
    };
    expect(read(wire)).toEqual({
      env: { A: 1 },
      jobTemplate: null,
      jobTemplatePath: "s3://b/k",
      image: "i",
      cpuLimit: "2",
      cpuRequest: "1",
      memoryLimit: "2Gi",
      memoryRequest: "1Gi",
      serviceAccountName: "sa",
      imagePullSecrets: ["s"],
      imagePullPolicy: "Always",
    });
  });

  it("uses only the environment of a UniversalRun", () => {
    expect(read({ type: "UniversalRun", env: { A: "1" }, image: "i" })).toMatchObject({
      env: { A: "1" },
      image: null,
    });
  });

  it.each(["LocalRun", "DockerRun", "ECSRun", "VertexRun"])(
    "refuses a %s with the original agent's message",
    (type) => {
      const message = `Flow run ${flowRun().id} has a \`run_config\` of type \`${type}\`, only \`KubernetesRun\` is supported`;
      expect(() => read({ type })).toThrow(new JobError(message));
    },
  );

  it.each([
    { wire: {}, want: "without a `type`" },
    { wire: { type: null }, want: "without a `type`" },
    { wire: { type: "FooRun" }, want: "of the unknown type `FooRun`" },
    { wire: { type: 7 }, want: "of the unknown type `7`" },
    { wire: { type: "KubernetesRun", cpu_limit: 2 }, want: "whose cpu_limit is not a string" },
    { wire: { type: "KubernetesRun", image: {} }, want: "whose image is not a string" },
    { wire: { type: "KubernetesRun", env: ["A"] }, want: "whose env is not an object" },
    { wire: { type: "UniversalRun", env: "A=1" }, want: "whose env is not an object" },
    { wire: { type: "KubernetesRun", labels: null }, want: "whose labels is not a list" },
    { wire: { type: "UniversalRun", labels: [1] }, want: "whose labels[0] is not a string" },
    {
      wire: { type: "KubernetesRun", image_pull_secrets: "s" },
      want: "whose image_pull_secrets is not a list",
    },
    {
      wire: { type: "KubernetesRun", image_pull_secrets: [1] },
      want: "whose image_pull_secrets[0] is not a string",
    },
    {
      wire: { type: "KubernetesRun", image_pull_policy: "Bogus" },
      want: "invalid `image_pull_policy` 'Bogus', expected 'Always', 'IfNotPresent', or 'Never'",
    },
    {
      wire: { type: "KubernetesRun", job_template: {}, job_template_path: "p" },
      want: "both `job_template_path` and `job_template`",
    },
    {
      wire: { type: "KubernetesRun", job_template: [1] },
      want: "neither an object nor the YAML text of one",
    },
  ])("refuses $wire", ({ wire, want }) => {
    expect(() => read(wire)).toThrow(want);
    expect(() => read(wire)).toThrow(JobError);
  });
});
