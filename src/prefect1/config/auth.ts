// auth.toml, where `prefect auth login` saves API keys: one table per API, named by a slug of its URL.

import type { Sourced } from "../../base/sourced.ts";
import { objectIn } from "../../base/json.ts";
import type { JsonObject } from "../../base/json.ts";

export interface SavedAuth {
  readonly apiKey: Sourced<unknown> | undefined;
  readonly tenantId: Sourced<unknown> | undefined;
}

/** Host and port in lower case; characters other than `a-z0-9.-` become hyphens. */
export function apiSlug(apiUrl: string): string {
  const authority = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(apiUrl)?.[1] || apiUrl;
  return authority
    .toLowerCase()
    .replace(/[^a-z0-9.-]+/g, "-")
    .replace(/^-+|-+$/g, "");
}

export function savedAuth(table: JsonObject, apiUrl: string, file: string): SavedAuth {
  const slug = apiSlug(apiUrl);
  const saved = objectIn(table[slug]);
  const entry = (key: string): Sourced<unknown> | undefined =>
    saved[key] === undefined ? undefined : { value: saved[key], source: `${file} ["${slug}"] ${key}` };
  return { apiKey: entry("api_key"), tenantId: entry("tenant_id") };
}
