// The headers and certificates that authenticate a user to the API server.

import type { Clock } from "../../base/clock.ts";
import type { Env } from "../../base/env.ts";
import { SettingsError } from "../../base/errors.ts";
import { textIn } from "../../base/json.ts";
import type { TlsOptions } from "../../http/exchange.ts";
import type { Target } from "./kubeconfig.ts";

export type Headers = Record<string, string | readonly string[]>;

export interface Credentials {
  /** Headers for authentication and impersonation. */
  headers(): Promise<Headers>;
  tls(): Promise<TlsOptions>;
  /** Clears cached credentials after a 401. Returns whether a retry may use different ones. */
  refresh(): boolean;
}

export interface CredentialDeps {
  readonly clock: Clock;
  readonly env: Env;
  readonly readFile: (path: string) => string | undefined;
}

/** The cluster's CA and the user's client certificate, if any. */
export function tlsOf(target: Target, deps: Pick<CredentialDeps, "readFile">): TlsOptions {
  const data = (object: Target["cluster"], key: string): string | undefined => {
    const inline = textIn(object[`${key}-data`]);
    if (inline !== undefined && inline !== "") return Buffer.from(inline, "base64").toString("utf8");
    const path = textIn(object[key]);
    return path === undefined || path === "" ? undefined : readRequiredFile(path, key, deps);
  };
  return {
    ca: data(target.cluster, "certificate-authority"),
    cert: data(target.user, "client-certificate"),
    key: data(target.user, "client-key"),
    servername: textIn(target.cluster["tls-server-name"]),
    rejectUnauthorized: target.cluster["insecure-skip-tls-verify"] === true ? false : undefined,
  };
}

export function readRequiredFile(path: string, what: string, deps: Pick<CredentialDeps, "readFile">): string {
  const text = deps.readFile(path);
  if (text === undefined)
    throw new SettingsError(`cannot read ${what} "${path}" of the kubeconfig: no such file`);
  return text;
}
