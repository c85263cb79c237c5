// Checks of the files that become ConfigMaps, so that the agent can start with them.

import { parse as parseYaml } from "yaml";
import { SettingsError, textOf } from "../base/errors.ts";
import { isObject, objectIn } from "../base/json.ts";
import type { JsonObject } from "../base/json.ts";
import { readToml } from "../base/toml.ts";
import type { TextFile } from "./options.ts";

/** The job template must be one YAML document with a Job that has a pod template. */
export function checkJobTemplate({ path, text }: TextFile): void {
  const job = readYaml(path, text);
  const hint = "a template is a Job with spec.template.spec; kind and apiVersion may be left out";
  if (!isObject(job)) {
    throw new SettingsError(`cannot use job template "${path}": it is ${typeText(job)}, not a Job`, { hint });
  }
  const { kind, apiVersion } = job;
  if (kind !== undefined && kind !== null && kind !== "Job") {
    throw new SettingsError(
      `cannot use job template "${path}": its kind is ${JSON.stringify(kind)}, not Job`,
      { hint },
    );
  }
  if (apiVersion !== undefined && apiVersion !== null && apiVersion !== "batch/v1") {
    throw new SettingsError(
      `cannot use job template "${path}": its apiVersion is ${JSON.stringify(apiVersion)}, not batch/v1`,
      { hint },
    );
  }
  if (!isObject(objectIn(objectIn(job["spec"])["template"])["spec"])) {
    throw new SettingsError(`cannot use job template "${path}": it has no spec.template.spec`, { hint });
  }
}

/** The configuration must be TOML, and must not contain the API key: a ConfigMap is not secret. */
export function checkConfigToml(file: TextFile): void {
  const cloud = objectIn(configIn(file)["cloud"]);
  const names = ["cloud.api_key", "cloud.auth_token", "cloud.agent.auth_token"];
  const values = [cloud["api_key"], cloud["auth_token"], objectIn(cloud["agent"])["auth_token"]];
  const at = values.findIndex((value) => value !== undefined && value !== "");
  if (at < 0) return;
  throw new SettingsError(
    `cannot use configuration "${file.path}": it has ${names[at]}, but a ConfigMap is not secret`,
    {
      hint: "remove the key from the file and set it with --key, which puts it into a Secret",
    },
  );
}

/** Whether the configuration has the address of Prefect Server. */
export function hasServerAddress(file: TextFile): boolean {
  const config = configIn(file);
  const server = objectIn(config["server"]);
  return [objectIn(config["cloud"])["api"], server["host"], server["endpoint"]].some(Boolean);
}

function configIn({ path, text }: TextFile): JsonObject {
  return readToml(path, () => text) ?? {};
}

function readYaml(path: string, text: string): unknown {
  try {
    return parseYaml(text, { logLevel: "error" });
  } catch (error) {
    throw new SettingsError(`cannot read job template "${path}": ${firstLine(error)}`, {
      hint: "the template must be one YAML or JSON document",
      cause: error,
    });
  }
}

/** The parser's message without the excerpt of the file. */
function firstLine(error: unknown): string {
  return (textOf(error).split("\n")[0] ?? "").replace(/:$/, "");
}

function typeText(value: unknown): string {
  if (value === null || value === undefined) return "empty";
  return Array.isArray(value) ? "a list" : `the ${typeof value} ${JSON.stringify(value)}`;
}
