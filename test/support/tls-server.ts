// An HTTPS server with a self-signed certificate, which records its requests.

import { once } from "node:events";
import type { RequestListener } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";

/** For 127.0.0.1 and localhost; valid for a hundred years. */
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBlTCCATugAwIBAgIUaLbhAR2MG6menlKm5+qDYRcsKhswCgYIKoZIzj0EAwIw
ETEPMA0GA1UEAwwGbm9ib2R5MCAXDTI2MTEyMTE1MjUwMloYDzIxMjYxMDI4MTUy
NTAyWjARMQ8wDQYDVQQDDAZub2JvZHkwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC
AATEHeRHqYzJ7uMxVl7Ch1muxuDyx9DSWvFbYnfD4K+YMD+apXBiWIcejS2d9oLQ
n/lWOzYxoWLAiFhPnmF7tOdJo28wbTAdBgNVHQ4EFgQUqYOIRBR73Law9qgc1f7u
zTgvO8owHwYDVR0jBBgwFoAUqYOIRBR73Law9qgc1f7uzTgvO8owDwYDVR0TAQH/
BAUwAwEB/zAaBgNVHREEEzARhwR/AAABgglsb2NhbGhvc3QwCgYIKoZIzj0EAwID
SAAwRQIgSneOPCn16iVkvE+Di4nK4+doCJMfRh0YdRDUpOc8FKMCIQDmx/477sMa
UUy4zQnlUGcsj5RD3pv0JNBPNLLbgLqLSQ==
-----END CERTIFICATE-----`;
const PRIVATE_KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgGTLRca6m13AiwrG/
V77U5vQ7kHb3TJCZQK7h0P8WIzahRANCAATEHeRHqYzJ7uMxVl7Ch1muxuDyx9DS
WvFbYnfD4K+YMD+apXBiWIcejS2d9oLQn/lWOzYxoWLAiFhPnmF7tOdJ
-----END PRIVATE KEY-----`;

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
): Promise<TlsServer> {
  const asked: string[] = [];
  // Client certificates are asked for, and `answer` decides on them.
  const tls = { cert: CERTIFICATE, key: PRIVATE_KEY, requestCert: true, rejectUnauthorized: false };
  const server = createServer(tls, (request, response) => {
    asked.push(request.url ?? "");
    answer(request, response);
  });
  server.listen(0, host);
  await once(server, "listening");
  return {
    url: `https://${host.includes(":") ? `[${host}]` : host}:${(server.address() as AddressInfo).port}`,
    certificate: CERTIFICATE,
    asked,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
