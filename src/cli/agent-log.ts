// The agent's own log, on stdout as Prefect's agent writes it.

import { SettingsError } from "../base/errors.ts";
import type { Log, LogLevel } from "../base/log.ts";
import { createLog } from "../base/log.ts";
import type { PrefectConfig } from "../config/prefect-config.ts";
import type { CliContext } from "./context.ts";

const LEVELS: readonly LogLevel[] = ["DEBUG", "INFO", "WARNING", "ERROR"];

/** What was said of the log on the command line. */
export interface LogFlags {
  /** Any case; the configuration's without it. */
  readonly logLevel: string | undefined;
  readonly logFormat: string;
}

/** A log that never shows the API key. Throws SettingsError for a level or format that there is not. */
export function agentLog(
  context: Pick<CliContext, "stdout" | "clock">,
  flags: LogFlags,
  given: { readonly name: string; readonly config: PrefectConfig },
): Log {
  const level = LEVELS.find((each) => each === flags.logLevel?.toUpperCase());
  if (flags.logLevel !== undefined && level === undefined) {
    throw new SettingsError(`cannot read --log-level "${flags.logLevel}"`, {
      hint: `write one of ${LEVELS.join(", ")}`,
    });
  }
  if (flags.logFormat !== "text" && flags.logFormat !== "json") {
    throw new SettingsError(`cannot read --log-format "${flags.logFormat}"`, { hint: "write text or json" });
  }
  const key = given.config.apiKey?.value;
  return createLog({
    name: given.name,
    level: level ?? given.config.agent.level.value,
    format: flags.logFormat,
    write: (line) => context.stdout.write(line),
    now: () => context.clock.now(),
    secrets: key === undefined ? [] : [key],
  });
}
