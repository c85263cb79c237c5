// What the agent needs of Prefect 1, over one client.

import type { RunReporter } from "../orchestrator/run-reporter.ts";
import type { WorkSource } from "../orchestrator/work-source.ts";
import { Prefect1RunReporter } from "./run-reporter.ts";
import { Prefect1WorkSource } from "./work-source.ts";
import type { WorkSourceOptions } from "./work-source.ts";

export function agentPorts(options: WorkSourceOptions): {
  readonly work: WorkSource;
  readonly runs: RunReporter;
} {
  const { client, prefectTime } = options;
  return { work: new Prefect1WorkSource(options), runs: new Prefect1RunReporter(client, prefectTime) };
}
