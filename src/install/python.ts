// `install --agent python`: the same documents as `prefect agent kubernetes install` of Prefect 1.4.1.

import type { EnvVar } from "../kube/client/objects.ts";
import { environmentIn } from "../agent/option-checks.ts";
import { pythonList } from "../base/python-repr.ts";
import { jobDefaults } from "./environment.ts";
import type { Manifest } from "./objects.ts";
import type { InstallOptions } from "./options.ts";
import { bindRole } from "./roles.ts";

/** The last version of Prefect 1, as in its own install. */
const TAG = "1.4.1-python3.7";
const APP = { app: "prefect-agent" };

/** Role and RoleBinding, which always name a namespace; nothing without `--rbac`. */
export function pythonAccess(options: InstallOptions): readonly Manifest[] {
  if (!options.rbac) return [];
  const metadata = { name: "prefect-agent-rbac", namespace: options.namespace || "default" };
  const rules = [
    { apiGroups: ["batch", "extensions"], resources: ["jobs"], verbs: ["*"] },
    { apiGroups: [""], resources: ["events", "pods"], verbs: ["*"] },
  ];
  return bindRole(metadata, rules, "default");
}

/** The Deployment, which names no namespace. */
export function pythonDeployment(options: InstallOptions): Manifest {
  const { imagePullSecrets: pullSecret, agentConfigId: configId } = options;
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "prefect-agent", labels: APP },
    spec: {
      replicas: 1,
      selector: { matchLabels: APP },
      template: {
        metadata: { labels: APP },
        spec: {
          ...(pullSecret ? { imagePullSecrets: [{ name: pullSecret }] } : {}),
          containers: [
            {
              name: "agent",
              image: options.image || `prefecthq/prefect:${options.latest ? "latest" : TAG}`,
              imagePullPolicy: "Always",
              command: ["/bin/bash", "-c"],
              args: [`prefect agent kubernetes start${configId ? ` --agent-config-id ${configId}` : ""}`],
              env: pythonEnvironment(options),
              livenessProbe: {
                httpGet: { path: "/api/health", port: 8080 },
                initialDelaySeconds: 40,
                periodSeconds: 40,
                failureThreshold: 2,
              },
            },
          ],
        },
      },
    },
  };
}

/** In the order of Prefect's own install, with empty values. */
function pythonEnvironment(options: InstallOptions): readonly EnvVar[] {
  const env = environmentIn(options.env);
  const values = {
    PREFECT__CLOUD__AGENT__AUTH_TOKEN: options.key,
    PREFECT__CLOUD__API: options.api || "https://api.prefect.io",
    NAMESPACE: options.namespace || "default",
    IMAGE_PULL_SECRETS: options.imagePullSecrets,
    PREFECT__CLOUD__AGENT__LABELS: pythonList(pythonSortedSet(options.labels ?? [])),
    ...jobDefaults(options),
    SERVICE_ACCOUNT_NAME: options.serviceAccountName,
    PREFECT__BACKEND: options.backend || "cloud",
    PREFECT__CLOUD__AGENT__AGENT_ADDRESS: "http://:8080",
    PREFECT__CLOUD__API_KEY: options.key,
    PREFECT__CLOUD__TENANT_ID: options.tenantId,
    ...(env.size > 0 && { PREFECT__CLOUD__AGENT__ENV_VARS: pythonJson(env) }),
  };
  return Object.entries(values).map(([name, value]) => ({ name, value: value ?? "" }));
}

/** sorted(set(…)): each text once, sorted by code points, as UTF-8 is; JavaScript alone compares UTF-16 units. */
export function pythonSortedSet(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)].sort((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right)));
}

/** json.dumps() of texts by name, with its separators and ASCII escapes: {"A": "1"}. */
export function pythonJson(entries: ReadonlyMap<string, string>): string {
  const members = [...entries].map(([name, value]) => `${JSON.stringify(name)}: ${JSON.stringify(value)}`);
  return `{${members.join(", ")}}`.replaceAll(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
