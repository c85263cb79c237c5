// Connects to a cluster by kubeconfig or as a pod. Loaded only by commands that need a cluster.

import { createHash } from "node:crypto";
import { parse } from "yaml";
import type { Clock } from "../../base/clock.ts";
import type { Env } from "../../base/env.ts";
import { proxyEnvOf } from "../../base/env.ts";
import { SettingsError } from "../../base/errors.ts";
import { HttpClient } from "../../http/client.ts";
import type { TlsOptions } from "../../http/exchange.ts";
import { textIn } from "../../base/json.ts";
import type { KubeApi } from "./api.ts";
import { KubeClient } from "./client.ts";
import { credentialsOf } from "../auth/credentials.ts";
import type { ConnectionFlags, Target } from "../auth/kubeconfig.ts";
import { chooseTarget } from "../auth/kubeconfig.ts";
import type { CompletedRequest } from "./transport.ts";
import { Transport } from "./transport.ts";

export interface ConnectDeps {
  readonly env: Env;
  readonly home: string | undefined;
  readonly clock: Clock;
  readonly readFile: (path: string) => string | undefined;
  readonly userAgent: string;
  readonly onRequest?: ((seen: CompletedRequest) => void) | undefined;
}

export interface Connection {
  readonly kube: KubeApi;
  readonly target: Target;
  readonly inCluster: boolean;
  /** The token of the pod's ServiceAccount, if that is how it connects. */
  readonly token?: string | undefined;
}

const SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";
const DEFAULT_TIMEOUT_MS = 30_000;

/** Connects like kubectl: by kubeconfig and flags, else with the pod's service account. Sends no request yet. */
export async function connectKube(flags: ConnectionFlags, deps: ConnectDeps): Promise<Connection> {
  const chosen = chooseTarget(flags, { ...deps, parseYaml: (text) => parse(text) as unknown });
  const target = chosen ?? inClusterTarget(flags, deps);
  if (target === undefined) {
    throw new SettingsError("cannot connect to a cluster: there is no kubeconfig, and this is not a pod", {
      hint: "specify a kubeconfig with --kubeconfig or KUBECONFIG",
    });
  }
  const credentials = await credentialsOf(target, deps);
  const tls = await credentials.tls();
  const http = new HttpClient(new URL(target.server), {
    tls,
    maxSockets: 64,
    proxyEnv: proxyOf(target, deps.env),
  });
  const transport = new Transport({
    server: target.server,
    http,
    credentials,
    timeoutMs: flags.requestTimeoutMs ?? DEFAULT_TIMEOUT_MS,
    userAgent: deps.userAgent,
    onRequest: deps.onRequest,
    nowMs: () => performance.now(),
  });
  const kube = new KubeClient(transport, target.server, clusterIdOf(target, tls));
  const inCluster = chosen === undefined;
  const token = inCluster ? deps.readFile(`${SERVICE_ACCOUNT}/token`) : undefined;
  return { kube, target, inCluster, token };
}

/** The target inside a pod: KUBERNETES_SERVICE_HOST and _PORT, and the mounted service account. */
function inClusterTarget(flags: ConnectionFlags, deps: ConnectDeps): Target | undefined {
  const host = deps.env["KUBERNETES_SERVICE_HOST"] ?? "";
  const port = deps.env["KUBERNETES_SERVICE_PORT"] ?? "443";
  if (host === "" || deps.readFile(`${SERVICE_ACCOUNT}/token`) === undefined) return undefined;
  const impersonation: Record<string, unknown> = {};
  if (flags.as !== undefined) impersonation["as"] = flags.as;
  if (flags.asGroups !== undefined) impersonation["as-groups"] = flags.asGroups;
  return {
    server: `https://${host.includes(":") ? `[${host}]` : host}:${port}`,
    cluster: { "certificate-authority": `${SERVICE_ACCOUNT}/ca.crt` },
    user: { tokenFile: `${SERVICE_ACCOUNT}/token`, ...impersonation },
    contextName: undefined,
    namespace: deps.readFile(`${SERVICE_ACCOUNT}/namespace`)?.trim(),
    source: "the pod's service account",
  };
}

function proxyOf(target: Target, env: Env): Env | undefined {
  const url = textIn(target.cluster["proxy-url"]);
  if (url === undefined || url === "") return proxyEnvOf(env);
  if (!/^https?:/.test(url)) {
    throw new SettingsError(
      `cannot use proxy-url "${url}" of the kubeconfig: only http and https proxies are supported`,
    );
  }
  return { HTTP_PROXY: url, HTTPS_PROXY: url };
}

/**
 * Identifies the cluster by its CA, which is the same for a pod and a laptop, or by its URL if it has none.
 * Claims contain it, so that an agent of another cluster does not take them for its own.
 */
function clusterIdOf(target: Target, tls: TlsOptions): string {
  const ca = tls.ca === undefined ? "" : String(tls.ca).replaceAll(/\s+/g, "");
  return createHash("sha256")
    .update(ca === "" ? target.server : ca)
    .digest("hex")
    .slice(0, 16);
}
