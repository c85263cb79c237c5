// A template's command that does not run the flow. Pure.

import { arrayIn, objectIn } from "../../base/json.ts";
import type { JobManifest } from "../../kube/client/manifest.ts";

const SHELL = /(?:^|\/)(?:ba|da|a|k|z)?sh$/;

/**
 * A warning if a container's command ends with a shell's `-c`: the shell runs only the first of the args that follow, which is
 * `prefect` alone, and the flow never starts. Undefined: no such command.
 */
export function shellCommandWarning(job: JobManifest): string | undefined {
  const containers = arrayIn(job.spec.template.spec.containers).map(objectIn);
  const swallowing = containers.find(({ command, args }) => {
    const words = arrayIn(command).map(String);
    const isShell = SHELL.test(words[0] ?? "") && /^-[a-z]*c$/.test(words.at(-1) ?? "");
    return isShell && arrayIn(args).length > 1;
  });
  if (swallowing === undefined) return undefined;
  const [command, args] = [swallowing["command"], swallowing["args"]].map((words) =>
    arrayIn(words).join(" "),
  );
  return `container "${String(swallowing["name"])}" has the command "${command}", which takes only the first of its args (${args}): the flow does not start; remove the command from the job template`;
}
