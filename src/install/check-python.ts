// Checks of `--agent python`: Prefect's own agent has fewer options, and takes only one image pull Secret.

import { SettingsError } from "../base/errors.ts";
import { namesIn } from "../agent/option-checks.ts";
import type { InstallOptions } from "./options.ts";
import { INSTALL_OPTIONS, AGENT_START_OPTIONS } from "./options.ts";

const ALL = { ...AGENT_START_OPTIONS, ...INSTALL_OPTIONS };
/** The options of Prefect's own install; others would be silently ignored. */
const SUPPORTED_OPTIONS = new Set<keyof InstallOptions>([
  "labels",
  "env",
  "agentConfigId",
  "serviceAccountName",
  "imagePullSecrets",
  "namespace",
  "inlineKey",
  "rbacOnly",
  "imagePullPolicy",
  "memRequest",
  "memLimit",
  "cpuRequest",
  "cpuLimit",
  "agent",
  "image",
  "latest",
]);

/** Throws SettingsError for options that Prefect's own agent does not have. */
export function checkPython(options: InstallOptions): void {
  const unsupported = unsupportedIn(options);
  if (unsupported !== undefined) {
    throw new SettingsError(
      `cannot use "${unsupported}" with "--agent python": Prefect's own agent has no such option`,
      { hint: `leave out ${unsupported}, or --agent python` },
    );
  }
  if (namesIn(options.imagePullSecrets).length > 1) {
    throw new SettingsError(
      `cannot use --image-pull-secrets "${options.imagePullSecrets}": Prefect's own agent takes only one Secret`,
      { hint: "name one Secret, or leave out --agent python" },
    );
  }
}

function unsupportedIn(options: InstallOptions): string | undefined {
  if (options.rbac === "minimal") return "--rbac=minimal";
  if (options.jobTemplateUrl) return AGENT_START_OPTIONS.jobTemplate.flag;
  const names = Object.keys(ALL) as (keyof typeof ALL)[];
  const name = names.find((each) => !SUPPORTED_OPTIONS.has(each) && Boolean(options[each]));
  return name === undefined ? undefined : ALL[name].flag;
}
