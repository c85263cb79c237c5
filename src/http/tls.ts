// How a certificate is asked for and held against a name, in Node's terms.

import { isIP } from "node:net";
import { checkServerIdentity } from "node:tls";
import type { ConnectionOptions as NodeTlsOptions } from "node:tls";
import type { TlsOptions } from "./exchange.ts";

/** An IP address cannot be sent as the server's name; the certificate is held against it all the same. */
export function tlsOf({ servername = "", ...tls }: TlsOptions): NodeTlsOptions {
  const defined = Object.fromEntries(Object.entries(tls).filter(([, value]) => value !== undefined));
  if (servername === "") return defined;
  if (isIP(servername) === 0) return { ...defined, servername };
  return {
    ...defined,
    servername: "",
    checkServerIdentity: (_, cert) => checkServerIdentity(servername, cert),
  };
}
