// Checks the options: each value by itself, the files, then combinations. An empty value counts as not set.

import { SettingsError } from "../base/errors.ts";
import { readCpu, readMemory } from "../base/quantity.ts";
import { checkConfigToml, checkJobTemplate, hasServerAddress } from "./check-files.ts";
import { checkNames } from "./check-names.ts";
import type { InstallOptions } from "./options.ts";
import { checkPython } from "./check-python.ts";

/** Throws SettingsError with a hint for the first problem. */
export function checkOptions(options: InstallOptions): void {
  checkNames(options);
  if (options.agent === "python") checkPython(options);
  // The permissions do not depend on the other options.
  if (options.rbacOnly) return;
  checkResources(options);
  if (options.jobTemplate !== undefined) checkJobTemplate(options.jobTemplate);
  if (options.configToml !== undefined) checkConfigToml(options.configToml);
  rejectTogether(
    Boolean(options.image) && options.latest === true,
    ["--latest", "--image"],
    "both name the image",
  );
  if (options.agent !== "python") checkCombinations(options);
}

function checkResources(options: InstallOptions): void {
  const pairs: readonly { flag: string; request?: string | undefined; limit?: string | undefined }[] = [
    { flag: "--mem", request: options.memRequest, limit: options.memLimit },
    { flag: "--agent-mem", request: options.agentMemRequest, limit: options.agentMemLimit },
    { flag: "--cpu", request: options.cpuRequest, limit: options.cpuLimit },
    { flag: "--agent-cpu", request: options.agentCpuRequest, limit: options.agentCpuLimit },
  ];
  for (const { flag, request, limit } of pairs) {
    const read = flag.endsWith("mem") ? readMemory : readCpu;
    const requested = request ? read(request, `${flag}-request`) : 0;
    const limited = limit ? read(limit, `${flag}-limit`) : Number.POSITIVE_INFINITY;
    if (limited >= requested) continue;
    throw new SettingsError(
      `cannot use ${flag}-limit "${limit}": it is less than ${flag}-request ${request}`,
      {
        hint: `raise ${flag}-limit or lower ${flag}-request`,
      },
    );
  }
}

function checkCombinations(options: InstallOptions): void {
  const { key, configToml } = options;
  rejectTogether(
    Boolean(key) && Boolean(options.keySecret),
    ["--key", "--key-secret"],
    "both name the API key",
  );
  rejectTogether(
    Boolean(options.keySecret) && options.inlineKey === true,
    ["--inline-key", "--key-secret"],
    "the key is in a Secret and cannot be written into the Deployment",
  );
  rejectTogether(
    options.jobTemplate !== undefined && Boolean(options.jobTemplateUrl),
    ["--job-template FILE", "--job-template URL"],
    "both name the job template",
  );
  const keepFlag = flagThatKeepsJobs(options);
  rejectTogether(
    options.resourceManager === true && keepFlag !== undefined,
    ["--resource-manager", keepFlag ?? ""],
    "the resource manager would delete the Jobs that the agent keeps",
  );
  if (options.inlineKey === true && !key) {
    throw new SettingsError("cannot use --inline-key: no API key is set", {
      hint: "set the key with --key",
    });
  }
  if (options.backend === "server" && !options.api && !(configToml && hasServerAddress(configToml))) {
    throw new SettingsError('cannot use --backend "server": the address of the server is not set', {
      hint: "set it with --api, such as http://prefect-server-apollo:4200",
    });
  }
}

function flagThatKeepsJobs(options: InstallOptions): string | undefined {
  if (options.disableJobDeletion) return "--disable-job-deletion";
  if (options.deleteSucceededAfter === "never") return "--delete-succeeded-after never";
  return options.deleteFailedAfter === "never" ? "--delete-failed-after never" : undefined;
}

function rejectTogether(areBothSet: boolean, flags: readonly [string, string], reason: string): void {
  if (!areBothSet) return;
  throw new SettingsError(`cannot use "${flags[0]}" with "${flags[1]}": ${reason}`, {
    hint: "leave out one of the two",
  });
}
