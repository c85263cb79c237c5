// The options of `agent start` that shape the agent's Jobs; `render` takes them too, so that it shows the very same Job.

import { Option } from "clipanion";
import { SettingsError } from "../base/errors.ts";
import type { JobOptions } from "../config/job-settings.ts";
import type { KeySecret } from "../job/settings.ts";
import { ClusterCommand } from "./command.ts";

/** Commands that build Jobs. */
export abstract class AgentCommand extends ClusterCommand {
  labels = Option.Array("-l,--label", [], { description: "label of flow runs to take, may be repeated" });
  envs = Option.Array("-e,--env", [], { description: "variable for every flow run, may be repeated" });
  noCloudLogs = Option.Boolean("--no-cloud-logs", {
    description: "flow runs do not send their logs to Prefect",
  });
  jobTemplate = Option.String("--job-template", {
    description: "job template: path, s3://, gs:// or http(s)://",
  });
  serviceAccountName = Option.String("--service-account-name", {
    description: "service account of the flows' pods",
  });
  imagePullSecrets = Option.String("--image-pull-secrets", {
    description: "Secrets to pull images with, commas between them",
  });
  keySecret = Option.String("--key-secret", {
    description: "Secret with the API key, for the Jobs (default key api-key)",
  });
  safeToEvict = Option.Boolean("--safe-to-evict", false, {
    description: "let the cluster autoscaler evict pods",
  });
  noDaskName = Option.Boolean("--no-dask-name", false, {
    description: "do not name Dask clusters after their flow run",
  });

  /** What these options give to jobSettings. Throws SettingsError for what is malformed. */
  protected jobOptions(namespace: string): JobOptions {
    return {
      namespace,
      labels: [...new Set(this.labels)].sort(),
      env: envOf(this.envs),
      noCloudLogs: this.noCloudLogs,
      serviceAccountName: this.serviceAccountName,
      imagePullSecrets: this.imagePullSecrets?.split(","),
      keySecret: keySecretOf(this.keySecret),
      safeToEvict: this.safeToEvict,
      daskName: !this.noDaskName,
    };
  }
}

/** NAME=VALUE pairs; all behind the first `=` is value. */
export function envOf(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf("=");
      if (at < 1)
        throw new SettingsError(`cannot read --env "${pair}": there is no "="`, { hint: "write NAME=VALUE" });
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

function keySecretOf(text: string | undefined): KeySecret | undefined {
  if (text === undefined) return undefined;
  const [name = "", key = "api-key", ...rest] = text.split(":");
  if (name === "" || key === "" || rest.length > 0) {
    throw new SettingsError(`cannot read --key-secret "${text}"`, { hint: "write NAME or NAME:KEY" });
  }
  return { name, key };
}

/** A whole number of at least `least`, or undefined when the flag was not given. */
export function wholeNumber(text: string | undefined, flag: string, least: number): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < least || text.trim() === "") {
    throw new SettingsError(`cannot read ${flag} "${text}": not a whole number of at least ${least}`);
  }
  return number;
}
