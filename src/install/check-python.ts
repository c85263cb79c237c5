// Checks of `--agent python`: Prefect's own agent takes fewer options, and one of them differently.

import { SettingsError } from "../base/errors.ts";
import { namesIn } from "../agent/option-checks.ts";
import type { InstallOptions } from "./options.ts";
import { INSTALL_OPTIONS, PASSED_ON } from "./options.ts";

const ALL = { ...PASSED_ON, ...INSTALL_OPTIONS };
/** What Prefect's own install has; the rest would be lost without a word. */
const KNOWN_TO_PYTHON = new Set<keyof InstallOptions>([
  "labels",
  "env",
  "agentConfigId",
  "serviceAccountName",
  "imagePullSecrets",
  "namespace",
  "inlineKey",
  "imagePullPolicy",
  "memRequest",
  "memLimit",
  "cpuRequest",
  "cpuLimit",
  "agent",
  "image",
  "latest",
]);

/** Throws SettingsError for what the original could not express. */
export function checkPython(options: InstallOptions): void {
  const unknown = unknownIn(options);
  if (unknown !== undefined) {
    throw new SettingsError(
      `cannot use "${unknown}" with "--agent python": Prefect's own agent has no such option`,
      { hint: `leave out ${unknown}, or --agent python` },
    );
  }
  if (namesIn(options.imagePullSecrets).length > 1) {
    throw new SettingsError(
      `cannot use --image-pull-secrets "${options.imagePullSecrets}": Prefect's own agent takes one Secret here`,
      { hint: "name one Secret, or leave out --agent python" },
    );
  }
}

function unknownIn(options: InstallOptions): string | undefined {
  if (options.rbac === "minimal") return "--rbac=minimal";
  if (options.jobTemplateUrl) return PASSED_ON.jobTemplate.flag;
  const names = Object.keys(ALL) as (keyof typeof ALL)[];
  const name = names.find((each) => !KNOWN_TO_PYTHON.has(each) && Boolean(options[each]));
  return name === undefined ? undefined : ALL[name].flag;
}
