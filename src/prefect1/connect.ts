// Connects to a Prefect 1 API. Loaded only by commands that need Prefect.

import tls from "node:tls";
import type { Env } from "../base/env.ts";
import { proxyEnvOf } from "../base/env.ts";
import { SettingsError } from "../base/errors.ts";
import { redactUrl } from "../base/redact-url.ts";
import { HttpClient } from "../http/client.ts";
import { Graphql } from "./graphql.ts";
import type { GraphqlOptions, CompletedOperation } from "./graphql.ts";
import { Prefect1Client } from "./client.ts";

export interface PrefectConnection extends Pick<GraphqlOptions, "url" | "apiKey" | "tenantId" | "timeoutMs"> {
  readonly backend: string;
}

/** Sends no request yet. Throws SettingsError when the URL is invalid. */
export function connectPrefect(
  target: PrefectConnection,
  deps: { readonly env: Env; readonly onRequest?: ((seen: CompletedOperation) => void) | undefined },
): Prefect1Client {
  const protocol = URL.canParse(target.url) ? new URL(target.url).protocol : "";
  if (protocol !== "http:" && protocol !== "https:") {
    throw new SettingsError(`cannot use Prefect API URL "${redactUrl(target.url)}": not an http(s) URL`, {
      hint: "write it like http://localhost:4200, with --api or PREFECT__CLOUD__API",
    });
  }
  const ca = protocol === "https:" ? trustedAuthorities() : undefined;
  const http = new HttpClient(new URL(target.url), {
    maxSockets: 8,
    proxyEnv: proxyEnvOf(deps.env),
    tls: { ca },
  });
  return new Prefect1Client(new Graphql({ ...target, http, onRequest: deps.onRequest }), target.backend);
}

/** Node's CAs, those of NODE_EXTRA_CA_CERTS, and the system's, where a company's CA usually is. */
function trustedAuthorities(): string[] {
  return [...new Set([...tls.getCACertificates("default"), ...tls.getCACertificates("system")])];
}
