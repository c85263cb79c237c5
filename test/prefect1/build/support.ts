// Default flow runs, settings and templates for the tests of Job building.

import { buildJob } from "../../../src/prefect1/build/build.ts";
import type { JobManifest } from "../../../src/kube/client/manifest.ts";
import type { JobSettings } from "../../../src/prefect1/build/job-settings.ts";
import { DEFAULT_TEMPLATE, templateOf } from "../../../src/prefect1/build/template.ts";
import type { Template, TemplateOwner } from "../../../src/prefect1/build/template.ts";
import type { Flow, FlowRun } from "../../../src/prefect1/flow-run.ts";

export const IDENTIFIER = "01234567";

export const SETTINGS: JobSettings = {
  namespace: "flows",
  apiUrl: "http://prefect.example:4200",
  backend: "server",
  labels: [],
  env: {},
  sendFlowRunLogs: true,
  loggingLevel: "INFO",
  resources: {},
  safeToEvict: false,
  daskName: true,
};

export function flowRun(change: Partial<FlowRun> = {}, flow: Partial<Flow> = {}): FlowRun {
  return {
    id: "11111111-2222-4333-8444-555555555555",
    name: "quick-fox",
    version: 3,
    state: "Scheduled",
    serialized_state: { type: "Scheduled" },
    run_config: null,
    flow: {
      id: "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee",
      name: "f",
      core_version: "1.4.1",
      storage: { type: "Local" },
      ...flow,
    },
    task_runs: [],
    ...change,
  };
}

/** A flow run with a KubernetesRun with these fields. */
export function withRunConfig(fields: Record<string, unknown>): FlowRun {
  return flowRun({ run_config: { type: "KubernetesRun", ...fields } });
}

export function template(value: unknown, from: TemplateOwner = "agent"): Template {
  return templateOf(value, { from, name: "template.yaml" });
}

export function podTemplate(podSpec: unknown, from: TemplateOwner = "agent"): Template {
  return template({ spec: { template: { spec: podSpec } } }, from);
}

export function containerTemplate(container: unknown, from: TemplateOwner = "agent"): Template {
  return podTemplate({ containers: [container] }, from);
}

interface Parts {
  readonly run?: FlowRun;
  readonly settings?: Partial<JobSettings>;
  readonly template?: Template;
}

export function build(parts: Parts = {}): JobManifest {
  const settings = { ...SETTINGS, ...parts.settings };
  const { run = flowRun(), template = DEFAULT_TEMPLATE } = parts;
  return buildJob({ flowRun: run, settings, template, identifier: IDENTIFIER });
}

export function containerOf(job: JobManifest, at = 0): Record<string, unknown> {
  return job.spec.template.spec.containers[at] as Record<string, unknown>;
}

export function podSpecOf(job: JobManifest): Record<string, unknown> {
  return job.spec.template.spec;
}

/** Maps names to `valueFrom` or `value`. */
export function envOf(job: JobManifest, at = 0): Record<string, unknown> {
  const env = containerOf(job, at)["env"] as { name: string; value?: string; valueFrom?: unknown }[];
  return Object.fromEntries(env.map(({ name, value, valueFrom }) => [name, valueFrom ?? value]));
}
