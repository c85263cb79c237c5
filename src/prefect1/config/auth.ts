// auth.toml, where `prefect auth login` keeps API keys: one table for each API, named by a slug of its address.

import type { Sourced } from "../../base/sourced.ts";
import { objectIn } from "../../base/json.ts";
import type { JsonObject } from "../../base/json.ts";

export interface SavedAuth {
  readonly apiKey?: Sourced<unknown>;
  readonly tenantId?: Sourced<unknown>;
}

/** The name of an API's table: its host and port in lower case, other characters than `a-z0-9.-` made hyphens. */
export function apiSlug(apiUrl: string): string {
  const place = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(apiUrl)?.[1] || apiUrl;
  return place
    .toLowerCase()
    .replace(/[^a-z0-9.-]+/g, "-")
    .replace(/^-+|-+$/g, "");
}

/** What the file has saved for this API. */
export function savedAuth(table: JsonObject, apiUrl: string, file: string): SavedAuth {
  const slug = apiSlug(apiUrl);
  const saved = objectIn(table[slug]);
  const entry = (key: string): Sourced<unknown> | undefined =>
    saved[key] === undefined ? undefined : { value: saved[key], source: `${file} ["${slug}"] ${key}` };
  const apiKey = entry("api_key");
  const tenantId = entry("tenant_id");
  return { ...(apiKey && { apiKey }), ...(tenantId && { tenantId }) };
}
