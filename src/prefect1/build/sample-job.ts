// The Job of a flow run without a run config, to try a job template with. Pure.

import type { JobManifest } from "../../kube/client/manifest.ts";
import { readFlowRun } from "../flow-run.ts";
import { buildJob } from "./build.ts";
import type { JobSettings } from "./job-settings.ts";
import type { Template } from "./template.ts";

const ID = "00000000-0000-4000-8000-000000000000";
const RUN = readFlowRun({ id: ID, flow: { id: ID, core_version: "1.4.1", storage: { type: "Local" } } });

/** Only the template and the agent's options matter; the API key is left out. Throws JobError if no Job can be built. */
export function sampleJob(template: Template, settings: JobSettings): JobManifest {
  const withoutKey = { ...settings, apiKey: undefined, env: {} };
  return buildJob({ flowRun: RUN, settings: withoutKey, template, identifier: "00000000" });
}
