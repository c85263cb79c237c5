// Opens connections to one place, plain or with TLS.

import net from "node:net";
import type { OnReadOpts } from "node:net";
import tls from "node:tls";
import { tlsOf } from "./tls.ts";
import type { TlsOptions } from "./exchange.ts";

/** Begins a connection. With `onread` its bytes go there and nowhere else. Throws when certificates cannot be read. */
export type Connect = (onread?: OnReadOpts) => net.Socket;

/** After so long without a byte TCP itself asks whether the other side is there. */
export const KEEP_ALIVE_MS = 30_000;

/** Opens connections: with one reading of the certificates for all, and the last one's session. */
export function connector(origin: URL, options: TlsOptions): Connect {
  const host = origin.hostname.replace(/^\[(.*)\]$/, "$1");
  const secure = origin.protocol === "https:";
  const port = origin.port === "" ? (secure ? 443 : 80) : Number(origin.port);
  const place = { host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS };
  if (!secure) return (onread) => net.connect(onread === undefined ? place : { ...place, onread });
  const { servername = net.isIP(host) === 0 ? host : "", ...given } = tlsOf(options);
  let secureContext: tls.SecureContext | undefined;
  let session: Buffer | undefined;
  return (onread) => {
    secureContext ??= tls.createSecureContext(given);
    const kept = session === undefined ? {} : { session };
    const read = onread === undefined ? {} : { onread };
    const secret = { ...given, ...kept, secureContext, servername, ALPNProtocols: ["http/1.1"] };
    const socket = tls.connect({ ...place, ...secret, ...read });
    socket.on("session", (latest) => (session = latest));
    // What has not come to a connection may have stumbled over the session.
    const forget = (): void => void (session = undefined);
    socket.once("close", forget);
    socket.once("secureConnect", () => socket.off("close", forget));
    return socket;
  };
}
