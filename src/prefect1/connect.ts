// Connects to a Prefect 1 API. Loaded only by commands that need Prefect.

import { SettingsError } from "../base/errors.ts";
import { redactUrl } from "../base/redact-url.ts";
import { HttpClient } from "../http/client.ts";
import { prefectConnection } from "../http/environment.ts";
import type { EnvironmentDeps } from "../http/environment.ts";
import { Graphql } from "./graphql.ts";
import type { GraphqlOptions, CompletedOperation } from "./graphql.ts";
import { Prefect1Client } from "./client.ts";

export interface PrefectConnection extends Pick<GraphqlOptions, "url" | "apiKey" | "tenantId" | "timeoutMs"> {
  readonly backend: string;
}

/** Sends no request yet. Throws SettingsError when the URL, a proxy or a file of authorities is invalid. */
export function connectPrefect(
  target: PrefectConnection,
  deps: EnvironmentDeps & { readonly onRequest?: ((seen: CompletedOperation) => void) | undefined },
): Prefect1Client {
  const url = URL.parse(target.url);
  if (url?.protocol !== "http:" && url?.protocol !== "https:") {
    throw new SettingsError(`cannot use Prefect API URL "${redactUrl(target.url)}": not an http(s) URL`, {
      hint: "write it like http://localhost:4200, with --api or PREFECT__CLOUD__API",
    });
  }
  const http = new HttpClient(url, { ...prefectConnection(url, deps), maxSockets: 8 });
  return new Prefect1Client(new Graphql({ ...target, http, onRequest: deps.onRequest }), target.backend);
}
