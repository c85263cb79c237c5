// Node's agents, which hold the connections to one server: direct, or through a proxy.

import http from "node:http";
import https from "node:https";
import type { Socket } from "node:net";
import tls from "node:tls";
import { callbackify } from "node:util";
import { textOf } from "../base/errors.ts";
import { PROXY, TransportError } from "./errors.ts";
import type { Proxy } from "./proxy.ts";

/** After this long without a byte, TCP checks whether the other side is still there. */
const KEEP_ALIVE_MS = 30_000;

/** How long a SOCKS proxy may take where the request names no deadline. */
const SOCKS_TIMEOUT_MS = 30_000;

/** The agent for a protocol. A certificate that cannot be read fails the first request. */
export function agentFor(protocol: string, options: https.AgentOptions, proxy?: Proxy): http.Agent {
  const isSecure = protocol === "https:";
  const isSocks = proxy !== undefined && proxy.url.protocol.startsWith("socks");
  const href = proxy === undefined || isSocks ? undefined : proxy.url.href;
  const proxyEnv = href === undefined ? {} : { proxyEnv: { HTTP_PROXY: href, HTTPS_PROXY: href } };
  const shared = { keepAliveMsecs: KEEP_ALIVE_MS, scheduling: "lifo" as const, ...options, ...proxyEnv };
  const agent = isSecure ? new https.Agent(shared) : new http.Agent(shared);
  if (isSecure) withOneContext(agent, options);
  // Connections are found by host and port; Node would put the certificates, which never differ here, into the name.
  if (isSecure) agent.getName = (place) => `${place?.host}:${String(place?.port)}`;
  if (isSocks) throughSocks(agent, proxy, isSecure);
  if (proxy?.url.protocol === "https:" && options.ca !== undefined) trustProxy(options.ca);
  return agent;
}

/** As for kubectl and Python's requests, the server's authorities are the proxy's, too; Node asks only the process's. */
function trustProxy(ca: NonNullable<https.AgentOptions["ca"]>): void {
  tls.setDefaultCACertificates([...new Set([...tls.getCACertificates("default"), ...[ca].flat()])]);
}

/** Reads the certificates once, not for each connection. As for kubectl, an intermediate authority can be the trusted one. */
function withOneContext(agent: http.Agent, { ca, cert, key }: https.AgentOptions): void {
  let secureContext: tls.SecureContext | undefined;
  const connect = agent.createConnection.bind(agent);
  agent.createConnection = (options, callback) => {
    secureContext ??= tls.createSecureContext({ ca, cert, key, allowPartialTrustChain: true });
    return connect({ ...options, secureContext } as typeof options, callback);
  };
}

/** The proxy resolves the server's name, as with kubectl. */
function throughSocks(agent: http.Agent, proxy: Proxy, isSecure: boolean): void {
  const connect = callbackify(async (options: tls.ConnectionOptions) => {
    const socket = await socksTunnel(proxy, options);
    return isSecure ? tls.connect({ ...options, allowPartialTrustChain: true, socket }) : socket;
  });
  agent.createConnection = (options, callback) => {
    connect(options as tls.ConnectionOptions, (error, socket) => callback?.(error, socket));
    return undefined;
  };
}

async function socksTunnel({ url, name }: Proxy, to: tls.ConnectionOptions): Promise<Socket> {
  const { SocksClient } = await import("socks");
  try {
    const { socket } = await SocksClient.createConnection({
      command: "connect",
      timeout: to.timeout ?? SOCKS_TIMEOUT_MS,
      destination: { host: to.host ?? "", port: to.port ?? 0 },
      proxy: {
        host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
        port: Number(url.port || 1080),
        type: 5,
        userId: decodeURIComponent(url.username),
        password: decodeURIComponent(url.password),
      },
    });
    return socket;
  } catch (error) {
    const cause = textOf(error).replace(/^connect ECONNREFUSED.*/, "connection refused");
    throw new TransportError(`proxy ${name}: ${cause}`, { code: PROXY });
  }
}
