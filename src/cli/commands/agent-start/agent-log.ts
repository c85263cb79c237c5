// The agent's own log, on stdout as Prefect's agent writes it.

import { LineBuffer } from "../../../base/line-buffer.ts";
import type { Log } from "../../../base/log.ts";
import { createLog } from "../../../base/log.ts";
import { levelValue } from "../../../prefect1/config/log-level.ts";
import type { PrefectConfig } from "../../../prefect1/config/load.ts";
import type { CliContext } from "../../context.ts";

/** What was said of the log on the command line; what is not said there, the configuration says. */
export interface LogFlags {
  /** Any case. */
  readonly logLevel?: string | undefined;
  readonly logFormat?: string | undefined;
}

/** A log, and how to have all of it written before the process ends. */
export interface AgentLog {
  readonly log: Log;
  readonly flush: () => void;
}

/** A log that never shows the API key. Throws SettingsError for a level that there is not. */
export function agentLog(
  context: Pick<CliContext, "stdout" | "clock">,
  flags: LogFlags,
  given: { readonly name: string; readonly config: PrefectConfig },
): AgentLog {
  const { logLevel } = flags;
  const { apiKey, agent } = given.config;
  const lines = new LineBuffer((text) => void context.stdout.write(text));
  const log = createLog({
    name: given.name,
    level: logLevel ? levelValue({ value: logLevel, source: "--log-level" }) : agent.level.value,
    format: flags.logFormat === "json" ? "json" : "text",
    write: (line) => lines.add(line),
    now: () => context.clock.now(),
    secrets: apiKey === undefined ? [] : [apiKey.value],
  });
  return { log, flush: () => lines.flush() };
}
