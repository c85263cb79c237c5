// install: checks the options, builds the manifests in the order in which they must be applied, and writes them. Pure.

import { objectText } from "../output/object-text.ts";
import { checkOptions } from "./check.ts";
import { agentDeployment } from "./deployment.ts";
import { keySecrets } from "./environment.ts";
import { configMaps } from "./files.ts";
import type { Manifest } from "./objects.ts";
import type { InstallOptions } from "./options.ts";
import { pythonAccess, pythonDeployment } from "./python.ts";
import { accessManifests } from "./roles.ts";

/**
 * The objects that run the agent: first what its pod needs (permissions, key, files), last the Deployment. With
 * --rbac-only the permissions alone. Throws SettingsError for options that are wrong or contradict each other.
 */
export function agentManifests(options: InstallOptions): readonly Manifest[] {
  checkOptions(options);
  const { agent, rbacOnly, rbac } = options;
  const access = agent === "python" ? pythonAccess : accessManifests;
  if (rbacOnly) return access({ ...options, rbac: rbac || true });
  if (agent === "python") return [pythonDeployment(options), ...access(options)];
  return [...access(options), ...keySecrets(options), ...configMaps(options), agentDeployment(options)];
}

/** The documents as YAML, each preceded by `---`, or as one List object in JSON; ends with a line feed. */
export function renderManifests(docs: readonly object[], format: "yaml" | "json"): string {
  if (format === "json") return objectText({ apiVersion: "v1", kind: "List", items: docs }, "json");
  return docs.map((doc) => `---\n${objectText(doc, "yaml")}`).join("");
}
