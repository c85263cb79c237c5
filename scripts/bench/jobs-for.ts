// The Jobs that the agent would create for flow runs, as JSON, for the bare loop.

import { ownerText } from "../../src/job/owner.ts";
import { jobSettings } from "../../src/prefect1/config/job-settings.ts";
import { loadPrefectConfig } from "../../src/prefect1/config/load.ts";
import { buildJob } from "../../src/prefect1/build/build.ts";
import { jobIdentifier } from "../../src/prefect1/build/identifier.ts";
import { DEFAULT_TEMPLATE } from "../../src/prefect1/build/template.ts";
import { connectPrefect } from "../../src/prefect1/connect.ts";
import { readFlowRun } from "../../src/prefect1/flow-run.ts";
import { Child } from "./child.ts";
import type { PrefectCommands } from "./prefect-process.ts";
import { unschedulable } from "./run-config.ts";

const PAGE = 100;
const TIMEOUT_MS = 15_000;

/** Creates flow runs in a separate fake Prefect and builds the Job of each. */
export async function jobsFor(namespace: string, count: number): Promise<string[]> {
  await using prefect = new Child<PrefectCommands>(new URL("prefect-process.ts", import.meta.url));
  const url = await prefect.ask("url", undefined);
  const config = loadPrefectConfig({
    env: {},
    readFile: () => undefined,
    flags: { api: url, backend: "server" },
  });
  const owner = ownerText({ name: "agent", labels: [], process: "bench" });
  const settings = { ...jobSettings(config, { namespace }), owner };
  const { ids } = await prefect.ask("create", { count, runConfig: unschedulable });
  const api = connectPrefect({ url, backend: "server", timeoutMs: TIMEOUT_MS }, { env: {} });
  const texts: string[] = [];
  for (let at = 0; at < ids.length; at += PAGE) {
    const rows = await api.launchableFlowRuns(ids.slice(at, at + PAGE), new Date());
    for (const flowRun of rows.map(readFlowRun)) {
      const template = DEFAULT_TEMPLATE;
      const job = buildJob({ flowRun, settings, template, identifier: jobIdentifier(flowRun) });
      texts.push(JSON.stringify(job));
    }
  }
  api.close();
  return texts;
}
