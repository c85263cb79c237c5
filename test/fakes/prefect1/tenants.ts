// Tenants.

import type { JsonObject } from "../../../src/base/json.ts";
import { apiError } from "./api-error.ts";
import { newRow } from "./service.ts";
import type { Caller, Service } from "./service.ts";

/** A new tenant; throws if the slug is taken. */
export function createTenant(service: Service, _caller: Caller, input: JsonObject): JsonObject {
  const { tenant } = service.db.store.tables;
  const slug = String(input["slug"]);
  for (const row of tenant.all()) {
    if (row.slug === slug) throw apiError(`Uniqueness violation. Slug "${slug}" is taken.`);
  }
  const row = { ...newRow(service), name: String(input["name"]), slug, info: {}, settings: {} };
  return { id: tenant.insert(row).id };
}
