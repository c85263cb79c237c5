// Refuses options that cannot work, before anything is printed: each value by itself, the files, then what
// contradicts each other. An empty value counts as not given.

import { SettingsError } from "../base/errors.ts";
import { readCpu, readMemory } from "../base/quantity.ts";
import { checkConfigToml, checkJobTemplate, saysWhereServerIs } from "./check-files.ts";
import { checkNames } from "./check-names.ts";
import type { InstallOptions } from "./options.ts";
import { checkPython } from "./check-python.ts";

/** Throws SettingsError with a hint for the first thing that is wrong. */
export function checkOptions(options: InstallOptions): void {
  checkNames(options);
  checkResources(options);
  if (options.jobTemplate !== undefined) checkJobTemplate(options.jobTemplate);
  if (options.configToml !== undefined) checkConfigToml(options.configToml);
  clash(Boolean(options.image) && options.latest === true, ["--latest", "--image"], "both name the image");
  if (options.agent === "python") checkPython(options);
  else checkCombinations(options);
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
    const least = request ? read(request, `${flag}-request`) : 0;
    const most = limit ? read(limit, `${flag}-limit`) : Number.POSITIVE_INFINITY;
    if (most >= least) continue;
    throw new SettingsError(`cannot use ${flag}-limit "${limit}": less than ${flag}-request ${request}`, {
      hint: `raise ${flag}-limit or lower ${flag}-request`,
    });
  }
}

function checkCombinations(options: InstallOptions): void {
  const { key, configToml } = options;
  clash(Boolean(key) && Boolean(options.keySecret), ["--key", "--key-secret"], "both name the API key");
  clash(
    Boolean(options.keySecret) && options.inlineKey === true,
    ["--inline-key", "--key-secret"],
    "a key that lies in a Secret cannot be written out",
  );
  clash(
    options.jobTemplate !== undefined && Boolean(options.jobTemplateUrl),
    ["--job-template FILE", "--job-template URL"],
    "both name the job template",
  );
  const keeping = flagThatKeepsJobs(options);
  clash(
    options.resourceManager === true && keeping !== undefined,
    ["--resource-manager", keeping ?? ""],
    "the resource manager would remove the Jobs that were to stay",
  );
  if (options.inlineKey === true && !key) {
    throw new SettingsError("cannot use --inline-key: there is no API key to write", {
      hint: "give the key with --key",
    });
  }
  if (options.backend === "server" && !options.api && !(configToml && saysWhereServerIs(configToml))) {
    throw new SettingsError('cannot use --backend "server": nothing says where the server is', {
      hint: "give its address with --api, such as http://prefect-server-apollo:4200",
    });
  }
}

function flagThatKeepsJobs(options: InstallOptions): string | undefined {
  if (options.disableJobDeletion) return "--disable-job-deletion";
  if (options.deleteSucceededAfter === "never") return "--delete-succeeded-after never";
  return options.deleteFailedAfter === "never" ? "--delete-failed-after never" : undefined;
}

function clash(together: boolean, flags: readonly [string, string], why: string): void {
  if (!together) return;
  throw new SettingsError(`cannot use "${flags[0]}" with "${flags[1]}": ${why}`, {
    hint: "leave out one of the two",
  });
}
