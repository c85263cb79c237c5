// Credentials that a program or an identity provider hands out: client-node knows how (exec plugins of EKS, GKE and
// AKS, OIDC). What it lacks is added here: one call at a time, KUBERNETES_EXEC_INFO, and asking anew after a 401.

import type { CredentialDeps, Credentials, Headers } from "./identity.ts";
import { tlsOf } from "./identity.ts";
import type { RequestOptions } from "node:https";
import { KubeConfig } from "@kubernetes/client-node";
import { ExpectedError, textOf } from "../../base/errors.ts";
import { arrayIn, isObject, objectIn, textIn } from "../../base/json.ts";
import type { JsonObject } from "../../base/json.ts";
import { KubeError } from "../client/errors.ts";
import type { Target } from "./kubeconfig.ts";

const FRESH_MS = 30_000;

/** Credentials from the user's exec plugin or auth provider. Throws KubeError when the plugin fails. */
export function pluginCredentials(target: Target, acting: Headers, deps: CredentialDeps): Credentials {
  let config = load(target);
  let known: { options: RequestOptions; at: number } | undefined;
  let asking: Promise<RequestOptions> | undefined;
  const ask = async (): Promise<RequestOptions> => {
    const now = deps.clock.now().getTime();
    if (known !== undefined && now - known.at < FRESH_MS) return known.options;
    asking ??= fetchOptions(config).finally(() => (asking = undefined));
    known = { options: await asking, at: now };
    return known.options;
  };
  return {
    headers: async () => ({ ...acting, ...headersOf(await ask()) }),
    tls: async () => {
      const options = await ask();
      const own = tlsOf(target, deps);
      const cert = own.cert ?? pem(options.cert);
      return { ...own, cert, key: own.key ?? pem(options.key) };
    },
    refresh: () => {
      known = undefined;
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
      const command = textIn(objectIn(target.user["exec"])["command"]) ?? "the auth provider";
      throw new KubeError(`get credentials from "${command}"`, causeOf(error), {
        status: 401,
        reason: "CredentialPlugin",
        cause: error instanceof ExpectedError ? undefined : error,
        hint:
          textIn(objectIn(target.user["exec"])["installHint"]) ?? "run the plugin by hand, or log in again",
      });
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

/** client-go tells every plugin its API version and, when asked, the cluster, in KUBERNETES_EXEC_INFO. */
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

function causeOf(error: unknown): string {
  const line = textOf(error).trim().split("\n")[0] ?? "";
  return line === "" ? "it failed" : line;
}
