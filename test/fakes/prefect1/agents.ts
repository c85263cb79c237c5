// Agents and their configurations.

import { arrayIn, objectIn, textIn } from "../../../src/base/json.ts";
import type { JsonObject } from "../../../src/base/json.ts";
import { apiError, foreignKeyError } from "./api-error.ts";
import { optionalUuid, uuidIn } from "./input.ts";
import { newRow, timeNow } from "./service.ts";
import type { Caller, Service } from "./service.ts";

/** An agent with the same tenant, name, type, Core version and labels is the same agent: two replicas share one id. */
export function registerAgent(service: Service, caller: Caller, input: JsonObject): JsonObject {
  const { agent, tenant } = service.db.store.tables;
  const tenantId = optionalUuid(input, "tenant_id");
  if (tenantId === undefined) throw apiError("No tenant found.");
  if (tenant.get(tenantId) === undefined) throw foreignKeyError("agent", "tenant_id");
  const identity = {
    name: textIn(input["name"]) ?? null,
    type: String(input["type"]),
    core_version: caller.coreVersion ?? null,
    labels: arrayIn(input["labels"]).map(String).sort(),
  };
  const wanted = JSON.stringify(identity);
  for (const row of agent.having("tenant_id", tenantId)) {
    const { name, type, core_version, labels } = row;
    if (JSON.stringify({ name, type, core_version, labels }) === wanted) return { id: row.id };
  }
  const configId = optionalUuid(input, "agent_config_id") ?? null;
  const row = { ...newRow(service), tenant_id: tenantId, agent_config_id: configId, ...identity };
  return { id: agent.insert({ ...row, last_queried: timeNow(service) }).id };
}

/** Removes an agent; its flow runs stay, without an agent. No success for an unknown id. */
export function deleteAgent(service: Service, _caller: Caller, input: JsonObject): JsonObject {
  const { agent, flow_run } = service.db.store.tables;
  const row = agent.get(uuidIn(input, "agent_id"));
  if (row === undefined) return { success: false };
  for (const run of flow_run.having("agent_id", row.id)) flow_run.update(run, { agent_id: null });
  agent.delete(row);
  return { success: true };
}

/** Settings that agents of a tenant may read at start. */
export function createAgentConfig(service: Service, _caller: Caller, input: JsonObject): JsonObject {
  const { agent_config, tenant } = service.db.store.tables;
  const tenantId = uuidIn(input, "tenant_id");
  if (tenant.get(tenantId) === undefined) throw foreignKeyError("agent_config", "tenant_id");
  const row = agent_config.insert({
    ...newRow(service),
    tenant_id: tenantId,
    name: textIn(input["name"]) ?? null,
    settings: objectIn(input["settings"]),
  });
  return { id: row.id };
}
