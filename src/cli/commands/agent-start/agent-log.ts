// The agent's log, on stdout in the format of Prefect's own agent.

import { LineBuffer } from "../../../base/line-buffer.ts";
import type { Log } from "../../../base/log.ts";
import { createLog } from "../../../base/log.ts";
import { levelValue } from "../../../prefect1/config/values.ts";
import type { PrefectConfig } from "../../../prefect1/config/load.ts";
import type { CliContext } from "../../context.ts";

/** The log options; the configuration is used for those that are not set. */
export interface LogFlags {
  /** Any case. */
  readonly logLevel?: string | undefined;
  readonly logFormat?: string | undefined;
}

/** `flush` writes everything before the process exits. */
export interface AgentLog {
  readonly log: Log;
  readonly flush: () => void;
}

/** The agent's log. Throws SettingsError for an unknown level. */
export function agentLog(
  context: Pick<CliContext, "stdout" | "clock">,
  flags: LogFlags,
  agent: { readonly name: string; readonly config: PrefectConfig },
): AgentLog {
  const { logLevel } = flags;
  const { agent: settings } = agent.config;
  const lines = new LineBuffer((text) => void context.stdout.write(text));
  const log = createLog({
    name: agent.name,
    level: logLevel ? levelValue({ value: logLevel, source: "--log-level" }) : settings.level,
    format: flags.logFormat === "json" ? "json" : "text",
    write: (line) => lines.add(line),
    now: () => context.clock.now(),
  });
  return { log, flush: () => lines.flush() };
}
