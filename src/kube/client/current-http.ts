// Sends with the user's current client certificate. The API server checks the one that a connection began with, at every
// request, so another certificate needs other connections.

import { createSecureContext } from "node:tls";
import type { HttpClient } from "../../http/client.ts";
import type { Http, HttpAnswer, HttpRequest, HttpStream, StreamRequest } from "../../http/exchange.ts";
import type { TlsOptions } from "../../http/exchange.ts";

export class CurrentHttp implements Http {
  readonly #tlsNow: () => Promise<TlsOptions>;
  readonly #connect: (tls: TlsOptions) => HttpClient;
  #current: { readonly tls: TlsOptions; readonly client: HttpClient } | undefined;

  constructor(tlsNow: () => Promise<TlsOptions>, connect: (tls: TlsOptions) => HttpClient) {
    this.#tlsNow = tlsNow;
    this.#connect = connect;
  }

  async request(request: HttpRequest): Promise<HttpAnswer> {
    return (await this.#client()).request(request);
  }

  async stream(request: StreamRequest): Promise<HttpStream> {
    return (await this.#client()).stream(request);
  }

  close(): void {
    this.#current?.client.close();
  }

  async #client(): Promise<HttpClient> {
    const tls = await this.#tlsNow();
    const known = this.#current;
    const isSame = known?.tls.cert === tls.cert && known?.tls.key === tls.key;
    if (known !== undefined && (isSame || !isPair(tls))) return known.client;
    // Requests that are under way end over their own connections.
    known?.client.retire();
    const client = this.#connect(tls);
    this.#current = { tls, client };
    return client;
  }
}

/** False in the middle of a rotation, when the key belongs to another certificate. */
function isPair({ cert, key }: TlsOptions): boolean {
  try {
    return createSecureContext({ cert, key }) !== undefined;
  } catch {
    return false;
  }
}
