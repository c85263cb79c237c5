import { describe, expect, it } from "vitest";
import { SettingsError } from "../../../src/base/errors.ts";
import { JobError } from "../../../src/job/errors.ts";
import { runTemplate } from "../../../src/prefect1/build/template-sources.ts";
import { DEFAULT_TEMPLATE, templateOf } from "../../../src/prefect1/build/template.ts";
import type { TemplateSource } from "../../../src/prefect1/build/template.ts";
import { build, containerOf, template, withRunConfig } from "./support.ts";

const JOB = { spec: { template: { spec: {} } } };

describe("runTemplate", () => {
  const read: TemplateSource[] = [];
  const templateIn = (fields: Record<string, unknown>) =>
    runTemplate(withRunConfig(fields), async (source) => {
      read.push(source);
      return "{spec: {template: {spec: {}}, of: path}}";
    });

  it.each([
    { fields: { job_template: JOB }, want: JOB },
    { fields: { job_template: "spec: {template: {spec: {}}}" }, want: JOB },
    { fields: { job_template_path: "s3://b/k" }, want: { spec: { ...JOB.spec, of: "path" } } },
  ])("reads the template of $fields", async ({ fields, want }) => {
    expect(await templateIn(fields)).toMatchObject({ origin: { from: "run config" }, body: want });
  });

  it.each([
    { job_template: {} },
    { job_template: " {} " },
    { job_template: "" },
    { job_template: "# none\nnull\n" },
    { job_template_path: "" },
    {},
  ])("finds none in %j", async (fields) => {
    expect(await templateIn(fields)).toBeUndefined();
  });

  it.each([
    { path: "https://me:pw@h/t.yaml?X-Signature=secret", name: "https://h/t.yaml" },
    { path: "https://me:p#w@h/t.yaml", name: "https://h/t.yaml" },
    { path: "https://me:p?w@h/t.yaml", name: "https://h/t.yaml" },
    { path: "https://me:p/w@h/t.yaml", name: "https://h/t.yaml" },
    { path: "s3://me:pw@bucket/t.yaml", name: "s3://bucket/t.yaml" },
    { path: "ftp://me:pw@h/t.yaml", name: "ftp://h/t.yaml" },
    { path: "https:/me:pw@h/t.yaml", name: "h/t.yaml" },
    { path: "/jobs/me@home#1.yaml", name: "/jobs/me@home#1.yaml" },
    { path: "C:\\jobs\\me@home.yaml", name: "C:\\jobs\\me@home.yaml" },
  ])("names $path without the passwords and signatures of a URL", async ({ path, name }) => {
    await templateIn({ job_template_path: path });
    expect(read.at(-1)).toEqual({ path, origin: { from: "run config", name } });
  });
});

describe("templateOf", () => {
  it.each([
    { value: [], want: "it is a list, not a Job" },
    { value: null, want: "it is empty, not a Job" },
    { value: {}, want: "it has no spec.template.spec" },
    { value: { spec: { template: {} } }, want: "it has no spec.template.spec" },
    { value: { spec: { template: { spec: null } } }, want: "it has no spec.template.spec" },
    { value: { ...JOB, kind: "Deployment" }, want: "it is a Deployment, not a Job" },
    { value: { ...JOB, kind: ["Job"] }, want: "it is not a Job" },
    { value: { ...JOB, apiVersion: "v1" }, want: "its apiVersion is v1, it must be batch/v1" },
    { value: { ...JOB, metadata: "x" }, want: "metadata is not an object" },
    { value: { ...JOB, metadata: { name: [1] } }, want: "metadata.name is not a string" },
    { value: { ...JOB, metadata: { labels: [] } }, want: "metadata.labels is not an object" },
    { value: { spec: [] }, want: "spec is not an object" },
    { value: { spec: { template: 1 } }, want: "spec.template is not an object" },
    { value: { spec: { template: { spec: 1 } } }, want: "spec.template.spec is not an object" },
    { value: inPod({ containers: {} }), want: "spec.template.spec.containers is not a list" },
    { value: inPod({ containers: ["x"] }), want: "containers[0] is not an object" },
    { value: inPod({ containers: [{ image: [1] }] }), want: "containers[0].image is not a string" },
    { value: inPod({ containers: [{}, { env: {} }] }), want: "containers[1].env is not a list" },
    { value: inPod({ containers: [{ env: [{ value: "x" }] }] }), want: "containers[0].env[0] has no name" },
    { value: inPod({ containers: [{ resources: 1 }] }), want: "containers[0].resources is not an object" },
    {
      value: inPod({ containers: [{ resources: { limits: "1" } }] }),
      want: "resources.limits is not an object",
    },
  ])("refuses $value", ({ value, want }) => {
    expect(() => templateOf(value, { from: "agent", name: "t.yaml" })).toThrow(
      new RegExp(`^cannot use job template "t\\.yaml": .*${escaped(want)}$`),
    );
  });

  it.each([
    { metadata: null, ...JOB },
    { metadata: { name: null, labels: null, annotations: null }, ...JOB },
    inPod({ containers: null }),
    inPod({ containers: [null, { name: "flow", env: null, resources: { requests: null, limits: null } }] }),
    inPod({ containers: [{ name: "flow", env: [null] }], volumes: null }),
  ])("ignores the nulls of %j", (value) => {
    const job = build({ template: template(value) });
    expect(containerOf(job)).toMatchObject({ name: "flow", resources: { requests: {}, limits: {} } });
    expect(JSON.stringify(job)).not.toContain("null");
  });

  it("throws JobError for a run config's template, SettingsError for the agent's", () => {
    expect(() => templateOf({}, { from: "run config", name: "t" })).toThrow(JobError);
    expect(() => templateOf({}, { from: "agent", name: "t" })).toThrow(SettingsError);
  });

  it("has a default with only a container named flow", () => {
    expect(DEFAULT_TEMPLATE.body).toEqual({
      apiVersion: "batch/v1",
      kind: "Job",
      spec: { template: { spec: { containers: [{ name: "flow" }] } } },
    });
  });
});

function inPod(podSpec: unknown): unknown {
  return { spec: { template: { spec: podSpec } } };
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
