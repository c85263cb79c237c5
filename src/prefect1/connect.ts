// Connects to a Prefect 1 API. Loaded only by commands that need Prefect.

import { HttpClient } from "../http/client.ts";
import { apiUrl, prefectConnection, type EnvironmentDeps } from "../http/environment.ts";
import { followingRedirects } from "../http/redirects.ts";
import { Graphql, type GraphqlOptions, type CompletedOperation } from "./graphql.ts";
import { Prefect1Client } from "./client.ts";

export interface PrefectConnection extends Pick<GraphqlOptions, "url" | "apiKey" | "tenantId" | "timeoutMs"> {
  readonly backend: string;
}

/** Sends no request yet. Throws SettingsError when the URL, a proxy or a file of authorities is invalid. */
export function connectPrefect(
  target: PrefectConnection,
  deps: EnvironmentDeps & { readonly onRequest?: ((seen: CompletedOperation) => void) | undefined },
): Prefect1Client {
  const example = "http://localhost:4200, with --api or PREFECT__CLOUD__API";
  const url = apiUrl(target.url, "Prefect API URL", example);
  const connect = (to: URL): HttpClient =>
    new HttpClient(to, { ...prefectConnection(to, deps), maxSockets: 8 });
  const http = followingRedirects(url, connect);
  return new Prefect1Client(new Graphql({ ...target, http, onRequest: deps.onRequest }), target.backend);
}
