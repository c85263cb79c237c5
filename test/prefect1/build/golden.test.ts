// Compares our Jobs, built from the configuration to the manifest, with recorded Jobs of Prefect 1.4.1's own agent.

import { describe, expect, it } from "vitest";
import { readTemplate, runTemplate } from "../../../src/prefect1/build/template-sources.ts";
import { jobSettings } from "../../../src/prefect1/config/job-settings.ts";
import { loadPrefectConfig } from "../../../src/prefect1/config/load.ts";
import { buildJob } from "../../../src/prefect1/build/build.ts";
import type { JobManifest } from "../../../src/kube/client/manifest.ts";
import { DEFAULT_TEMPLATE, templateOf } from "../../../src/prefect1/build/template.ts";
import { readFlowRun } from "../../../src/prefect1/flow-run.ts";
import recorded from "../../golden/original/jobs.json" with { type: "json" };
import { IDENTIFIER } from "./support.ts";

interface AgentOptions {
  readonly labels?: string[];
  readonly env_vars?: Record<string, string>;
  readonly no_cloud_logs?: boolean;
  readonly service_account_name?: string;
  readonly image_pull_secrets?: string[];
}

interface Case {
  readonly name: string;
  readonly flow_run: unknown;
  readonly agent: AgentOptions;
  readonly environ: Record<string, string>;
  readonly agent_template: Record<string, unknown> | null;
  readonly config: Record<string, string>;
  readonly expected?: {
    readonly spec: {
      readonly template: {
        readonly metadata: Record<string, object>;
        readonly spec: { readonly containers: readonly { readonly env?: readonly object[] }[] };
      };
    };
  };
  readonly error?: string;
}

const CASES = recorded as unknown as Case[];
const DASK_NAME = "DASK_KUBERNETES__NAME";
const SAFE_TO_EVICT = "cluster-autoscaler.kubernetes.io/safe-to-evict";
const DO_NOT_DISRUPT = "karpenter.sh/do-not-disrupt";

async function built(given: Case): Promise<JobManifest> {
  const variables = Object.entries({
    backend: "server",
    "cloud.api": "http://prefect.example:4200",
    ...given.config,
  }).map(([key, value]) => [`PREFECT__${key.toUpperCase().replaceAll(".", "__")}`, value]);
  const env = { ...(Object.fromEntries(variables) as Record<string, string>), ...given.environ };
  const settings = jobSettings(loadPrefectConfig({ env, readFile: () => undefined }), {
    namespace: "default",
    labels: given.agent.labels,
    env: given.agent.env_vars,
    noCloudLogs: given.agent.no_cloud_logs,
    serviceAccountName: given.agent.service_account_name,
    imagePullSecrets: given.agent.image_pull_secrets,
  });
  const run = readFlowRun(given.flow_run);
  const ofRun = await runTemplate(run, (source) => readTemplate(source, { env }));
  const ofAgent =
    given.agent_template && templateOf(given.agent_template, { from: "agent", name: "agent's" });
  const template = ofRun ?? ofAgent ?? DEFAULT_TEMPLATE;
  return buildJob({ flowRun: run, settings, template, identifier: IDENTIFIER });
}

/** The original agent's Job with our intended additions. */
function withAdditions(expected: NonNullable<Case["expected"]>): unknown {
  const { spec } = expected;
  const { template } = spec;
  const [flow, ...others] = template.spec.containers;
  const daskName = { name: DASK_NAME, value: "dask-{PREFECT__CONTEXT__FLOW_RUN_ID}-{uuid}" };
  const annotations = {
    ...template.metadata["annotations"],
    [SAFE_TO_EVICT]: "false",
    [DO_NOT_DISRUPT]: "true",
  };
  const containers = [{ ...flow, env: [...(flow?.env ?? []), daskName] }, ...others];
  return {
    ...expected,
    spec: {
      backoffLimit: 0,
      ...spec,
      template: { metadata: { ...template.metadata, annotations }, spec: { ...template.spec, containers } },
    },
  };
}

describe("buildJob against the original agent", () => {
  it.each(CASES.filter(({ expected }) => expected !== undefined))(
    "makes the same Job: $name",
    async (given) => {
      const { expected } = given;
      if (expected === undefined) throw new Error("filtered above");
      expect(await built(given)).toEqual(withAdditions(expected));
    },
  );

  it("refuses a LocalRun with the original agent's message", async () => {
    const given = CASES.find(({ name }) => name === "LocalRun is refused");
    if (given === undefined) throw new Error("recorded case not found");
    await expect(built(given)).rejects.toThrow(given.error?.replace("TypeError: ", "") ?? "");
  });

  it("names the missing field where the original agent fails with a KeyError", async () => {
    const given = CASES.find(({ name }) => name === "template without pod spec fails");
    if (given === undefined) throw new Error("recorded case not found");
    await expect(built(given)).rejects.toThrow("it has no spec.template.spec");
  });

  it("has a test for every recorded failure", () => {
    const failures = CASES.filter(({ error }) => error !== undefined).map(({ name }) => name);
    expect(failures).toEqual(["LocalRun is refused", "template without pod spec fails"]);
  });
});
