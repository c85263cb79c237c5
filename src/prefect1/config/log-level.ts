// The agent's log level, by the names and numbers of Python's logging.

import type { Sourced } from "../../base/sourced.ts";
import type { LogLevel } from "../../base/log.ts";
import { choiceValue, textValue } from "./values.ts";

const LEVELS: readonly LogLevel[] = ["DEBUG", "INFO", "WARNING", "ERROR"];
const OTHER_NAMES: Readonly<Record<string, LogLevel>> = {
  "10": "DEBUG",
  "20": "INFO",
  "30": "WARNING",
  WARN: "WARNING",
  "40": "ERROR",
  "50": "ERROR",
  CRITICAL: "ERROR",
  FATAL: "ERROR",
};

/** INFO if empty. Throws SettingsError for an unknown level. */
export function levelValue(entry: Sourced<unknown>): LogLevel {
  const text = textValue(entry)?.toUpperCase();
  if (text === undefined) return "INFO";
  return OTHER_NAMES[text] ?? choiceValue(entry, LEVELS);
}
