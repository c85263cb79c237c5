// Credentials from exec plugins (EKS, GKE, AKS) and auth providers (OIDC), through client-node. Added here: one call at
// a time, KUBERNETES_EXEC_INFO, and new credentials after a 401.

import type { CredentialDeps, Credentials, Headers } from "./identity.ts";
import { tlsOf } from "./identity.ts";
import type { RequestOptions } from "node:https";
import { KubeConfig } from "@kubernetes/client-node";
import { ExpectedError, textOf } from "../../base/errors.ts";
import { arrayIn, isObject, objectIn, textIn } from "../../base/json.ts";
import type { JsonObject } from "../../base/json.ts";
import { KubeError } from "../client/errors.ts";
import type { Target } from "./kubeconfig.ts";

const CACHE_MS = 30_000;

/** Credentials from the user's exec plugin or auth provider. Throws KubeError when the plugin fails. */
export function pluginCredentials(target: Target, impersonated: Headers, deps: CredentialDeps): Credentials {
  let config = load(target);
  let cached: { options: RequestOptions; at: number } | undefined;
  let pending: Promise<RequestOptions> | undefined;
  const currentOptions = async (): Promise<RequestOptions> => {
    const now = deps.clock.ticks();
    if (cached !== undefined && now - cached.at < CACHE_MS) return cached.options;
    pending ??= fetchOptions(config).finally(() => (pending = undefined));
    cached = { options: await pending, at: now };
    return cached.options;
  };
  return {
    headers: async () => ({ ...impersonated, ...headersOf(await currentOptions()) }),
    tls: async () => {
      const options = await currentOptions();
      const own = tlsOf(target, deps);
      const cert = own.cert ?? pem(options.cert);
      return { ...own, cert, key: own.key ?? pem(options.key) };
    },
    refresh: () => {
      cached = undefined;
      config = load(target);
      return true;
    },
  };

  async function fetchOptions(from: KubeConfig): Promise<RequestOptions> {
    const options: RequestOptions = {};
    try {
      await from.applyToHTTPSOptions(options);
      return options;
    } catch (error) {
      throw pluginError(objectIn(target.user["exec"]), error);
    }
  }
}

function load(target: Target): KubeConfig {
  const config = new KubeConfig();
  config.loadFromString(
    JSON.stringify({
      apiVersion: "v1",
      kind: "Config",
      "current-context": "chosen",
      contexts: [{ name: "chosen", context: { cluster: "chosen", user: "chosen" } }],
      clusters: [{ name: "chosen", cluster: { ...target.cluster, server: target.server } }],
      users: [{ name: "chosen", user: withExecInfo(target) }],
    }),
  );
  return config;
}

/** Like client-go, passes the API version and, with provideClusterInfo, the cluster to the plugin in KUBERNETES_EXEC_INFO. */
function withExecInfo(target: Target): JsonObject {
  const exec = target.user["exec"];
  if (!isObject(exec)) return target.user;
  const cluster = exec["provideClusterInfo"] === true ? { cluster: clusterInfo(target) } : {};
  const info = {
    apiVersion: textIn(exec["apiVersion"]) ?? "client.authentication.k8s.io/v1",
    kind: "ExecCredential",
    spec: { interactive: false, ...cluster },
  };
  const env = [...arrayIn(exec["env"]), { name: "KUBERNETES_EXEC_INFO", value: JSON.stringify(info) }];
  return { ...target.user, exec: { ...exec, env } };
}

function clusterInfo(target: Target): JsonObject {
  return {
    server: target.server,
    "certificate-authority-data": target.cluster["certificate-authority-data"],
    "tls-server-name": target.cluster["tls-server-name"],
    "insecure-skip-tls-verify": target.cluster["insecure-skip-tls-verify"],
  };
}

function headersOf(options: RequestOptions): Headers {
  const found: Headers = {};
  for (const [name, value] of Object.entries(options.headers ?? {})) {
    if (typeof value === "string") found[name.toLowerCase()] = value;
  }
  return found;
}

function pem(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  return Buffer.isBuffer(value) ? value.toString("utf8") : undefined;
}

/** Why there are no credentials; for a missing program with the installHint of the kubeconfig. */
function pluginError(exec: JsonObject, error: unknown): KubeError {
  const command = textIn(exec["command"]) ?? "the auth provider";
  const failure = { status: 401, reason: "CredentialPlugin", cause: error };
  if (error instanceof Error && "code" in error && error.code === "ENOENT") {
    const hint = textIn(exec["installHint"])?.replaceAll(/\s+/g, " ").trim() ?? `install "${command}"`;
    return new KubeError("get credentials", `"${command}" is not installed`, { ...failure, hint });
  }
  return new KubeError(`get credentials from "${command}"`, causeOf(error), {
    ...failure,
    cause: error instanceof ExpectedError ? undefined : error,
    hint: "run the plugin by hand, or log in again",
  });
}

function causeOf(error: unknown): string {
  const line = textOf(error).trim().split("\n")[0] ?? "";
  return line === "" ? "it failed" : line;
}
