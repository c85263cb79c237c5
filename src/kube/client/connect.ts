// Connects to a cluster by kubeconfig or as a pod. Loaded only by commands that need a cluster.

import { hash } from "node:crypto";
import { SettingsError, textOf } from "../../base/errors.ts";
import { trustedAuthorities } from "../../http/environment.ts";
import { HttpClient } from "../../http/client.ts";
import type { Http, TlsOptions } from "../../http/exchange.ts";
import { parseProxy, proxyFor } from "../../http/proxy.ts";
import { textIn } from "../../base/json.ts";
import { KubeApi } from "./api.ts";
import { credentialsOf } from "../auth/credentials.ts";
import type { CredentialDeps } from "../auth/identity.ts";
import {
  chooseTarget,
  isInPod,
  SERVICE_ACCOUNT,
  withFlags,
  type ConnectionFlags,
  type Target,
} from "../auth/kubeconfig.ts";
import { Transport, type CompletedRequest } from "./transport.ts";
import { createSecureContext } from "node:tls";

export interface ConnectDeps extends CredentialDeps {
  readonly home: string | undefined;
  readonly userAgent: string;
  readonly onRequest?: ((seen: CompletedRequest) => void) | undefined;
}

export interface Connection {
  readonly kube: KubeApi;
  readonly target: Target;
  /** The token of the pod's ServiceAccount, if that is how it connects. */
  readonly token?: string | undefined;
}

const DEFAULT_TIMEOUT_MS = 30_000;

/** Connects like kubectl: by kubeconfig and flags, else with the pod's service account. Sends no request yet. */
export async function connectKube(flags: ConnectionFlags, deps: ConnectDeps): Promise<Connection> {
  const chosen = chooseTarget(flags, deps);
  const target = chosen ?? inClusterTarget(flags, deps) ?? serverTarget(flags);
  if (target === undefined) {
    throw new SettingsError("cannot connect to a cluster: there is no kubeconfig, and this is not a pod", {
      hint: "specify a kubeconfig with --kubeconfig or KUBECONFIG",
    });
  }
  const credentials = await credentialsOf(target, deps);
  const tls = await credentials.tls();
  checkCertificates(tls, target);
  const origin = new URL(target.server);
  const proxyUrl = textIn(target.cluster["proxy-url"]) || undefined;
  const proxy = proxyUrl
    ? parseProxy(proxyUrl, "proxy-url of the kubeconfig")
    : proxyFor(origin, deps.env, "kubectl");
  deps.secrets?.addUrl(proxy?.url.href);
  const authorities =
    tls.ca === undefined && tls.rejectUnauthorized !== false && origin.protocol === "https:"
      ? trustedAuthorities(["SSL_CERT_FILE"], deps)
      : [];
  const connect = (current: TlsOptions): HttpClient =>
    new HttpClient(origin, { tls: { ...current, ca: current.ca ?? authorities }, maxSockets: 64, proxy });
  const transport = new Transport({
    server: target.server,
    http: withCurrentTls(() => credentials.tls(), connect),
    credentials,
    timeoutMs: flags.requestTimeoutMs ?? DEFAULT_TIMEOUT_MS,
    limitsBodies: flags.requestTimeoutMs !== undefined,
    clock: flags.waits === true ? deps.clock : undefined,
    userAgent: deps.userAgent,
    disableCompression: target.cluster["disable-compression"] === true,
    onRequest: deps.onRequest,
    nowMs: () => performance.now(),
  });
  const kube = new KubeApi(transport, target.server, clusterIdOf(target, tls));
  const token = chosen === undefined ? deps.readFile(`${SERVICE_ACCOUNT}/token`) : undefined;
  return { kube, target, token };
}

function serverTarget(flags: ConnectionFlags): Target | undefined {
  return flags.server === undefined ? undefined : withFlags({}, flags, "--server");
}

/** The target inside a pod: KUBERNETES_SERVICE_HOST and _PORT, and the mounted service account. */
function inClusterTarget(flags: ConnectionFlags, deps: ConnectDeps): Target | undefined {
  const host = deps.env["KUBERNETES_SERVICE_HOST"] ?? "";
  const port = deps.env["KUBERNETES_SERVICE_PORT"] ?? "443";
  if (!isInPod(deps)) return undefined;
  const server = `https://${host.includes(":") ? `[${host}]` : host}:${port}`;
  const cluster = { server, "certificate-authority": `${SERVICE_ACCOUNT}/ca.crt` };
  const user = { tokenFile: `${SERVICE_ACCOUNT}/token` };
  return {
    ...withFlags({ cluster, user }, flags, "the pod's service account"),
    namespace: deps.readFile(`${SERVICE_ACCOUNT}/namespace`)?.trim(),
  };
}

/**
 * Identifies the cluster by its CA, which is the same for a pod and a laptop, or by its URL if it has none.
 * Claims contain it, so that an agent of another cluster does not take them for its own.
 */
function clusterIdOf(target: Target, tls: TlsOptions): string {
  const ca = tls.ca === undefined ? "" : String(tls.ca).replaceAll(/\s+/g, "");
  return hash("sha256", ca === "" ? target.server : ca, "hex").slice(0, 16);
}

/**
 * Sends with the user's current client certificate. The API server checks the one that a connection began with, at every
 * request, so another certificate needs other connections.
 */
function withCurrentTls(tlsNow: () => Promise<TlsOptions>, connect: (tls: TlsOptions) => HttpClient): Http {
  let current: { readonly tls: TlsOptions; readonly client: HttpClient } | undefined;
  const clientNow = async (): Promise<HttpClient> => {
    const tls = await tlsNow();
    const isSame = (["ca", "cert", "key"] as const).every((key) => current?.tls[key] === tls[key]);
    if (current !== undefined && (isSame || pairProblem(tls) !== undefined)) return current.client;
    // Requests that are under way end over their own connections.
    current?.client.retire();
    current = { tls, client: connect(tls) };
    return current.client;
  };
  return {
    request: async (request) => (await clientNow()).request(request),
    stream: async (request) => (await clientNow()).stream(request),
    close: () => current?.client.close(),
  };
}

/** Throws SettingsError for what OpenSSL cannot use: sent, it would look like a fault of the network. */
function checkCertificates({ ca, cert, key }: TlsOptions, { source }: Target): void {
  if (ca !== undefined && !String(ca).includes("-----BEGIN "))
    throw new SettingsError(`cannot use the certificate-authority of ${source}: it is not PEM`);
  const problem = pairProblem({ cert, key });
  if (problem === undefined) return;
  throw new SettingsError(`cannot use the client certificate of ${source}: ${problem}`, {
    hint: "check that certificate and key are PEM, and belong to each other",
  });
}

/** Why certificate and key are of no use together, as in the middle of a rotation; undefined: they are. */
function pairProblem({ cert, key }: Pick<TlsOptions, "cert" | "key">): string | undefined {
  try {
    // Without authorities Node would read all of its own, which takes longer than all else.
    createSecureContext({ ca: [], cert, key });
    return undefined;
  } catch (error) {
    return textOf(error).replace(/^error:.*::/, "");
  }
}
