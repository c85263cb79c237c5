// An HTTPS server with a self-signed certificate, which records its requests.

import { once } from "node:events";
import type { RequestListener } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { CERTIFICATE, PRIVATE_KEY } from "../fakes/certificate.ts";

export interface TlsServer {
  readonly url: string;
  /** For clients that trust it. */
  readonly certificate: string;
  /** Paths of the received requests: none if the client verifies the certificate. */
  readonly asked: readonly string[];
  stop(): Promise<void>;
}

/** Starts the server on 127.0.0.1, or on another address. */
export async function startTlsServer(
  answer: RequestListener = (_, response) => void response.end("{}"),
  host = "127.0.0.1",
  {
    cert = CERTIFICATE,
    key = PRIVATE_KEY,
    port = 0,
  }: { readonly cert?: string; readonly key?: string; readonly port?: number } = {},
): Promise<TlsServer> {
  const asked: string[] = [];
  // Client certificates are asked for, and `answer` decides on them.
  const tls = { cert, key, requestCert: true, rejectUnauthorized: false };
  const server = createServer(tls, (request, response) => {
    asked.push(request.url ?? "");
    answer(request, response);
  });
  server.listen(port, host);
  await once(server, "listening");
  return {
    url: `https://${host.includes(":") ? `[${host}]` : host}:${(server.address() as AddressInfo).port}`,
    certificate: cert,
    asked,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
