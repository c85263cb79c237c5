// Tenants and projects.

import { textIn } from "../../../src/base/json.ts";
import type { JsonObject } from "../../../src/base/json.ts";
import { apiError, foreignKeyError } from "./api-error.ts";
import { uuidIn } from "./input.ts";
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

/** A new project of a tenant. */
export function createProject(service: Service, _caller: Caller, input: JsonObject): JsonObject {
  const { project, tenant } = service.db.store.tables;
  const tenantId = uuidIn(input, "tenant_id");
  if (tenant.get(tenantId) === undefined) throw foreignKeyError("project", "tenant_id");
  const row = project.insert({
    ...newRow(service),
    tenant_id: tenantId,
    name: String(input["name"]),
    description: textIn(input["description"]) ?? null,
  });
  return { id: row.id };
}
