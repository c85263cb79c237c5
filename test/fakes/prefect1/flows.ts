// Flows as a test or the demo registers them: the fake has no registration of its own, only what comes of it.

import { ExpectedError } from "../../../src/base/errors.ts";
import type { JsonObject } from "../../../src/base/json.ts";
import type { EdgeRow, FlowGroupRow, FlowRow } from "./rows.ts";
import { newRow } from "./service.ts";
import type { Service } from "./service.ts";

/** A task of a flow. */
export interface TaskSpec {
  /** As Core makes it: the task's name and a number, such as `double-1`; a parameter's name alone. */
  readonly slug: string;
  readonly name?: string;
  readonly type?: string;
  readonly maxRetries?: number;
  readonly mapped?: boolean;
}

/** One task before another, by their slugs. */
export interface EdgeSpec {
  readonly from: string;
  readonly to: string;
  /** The parameter that takes the result; without it only the end is waited for. */
  readonly key?: string;
  readonly mapped?: boolean;
}

/** A flow that is to be registered. */
export interface FlowSpec {
  readonly name: string;
  readonly tasks?: readonly TaskSpec[];
  readonly edges?: readonly EdgeSpec[];
  /** Default: Module storage of a module named `flows`. */
  readonly storage?: JsonObject | null;
  /** Core's version at registration; default 1.4.1. */
  readonly coreVersion?: string | null;
  readonly runConfig?: JsonObject | null;
  /** What flows of 0.11–0.15 had in place of a run config. */
  readonly environment?: JsonObject | null;
  /** As Core serializes them: `{name, required, default}`. */
  readonly parameters?: readonly JsonObject[];
  /** The project's name; default `default`. */
  readonly project?: string;
  /** Labels and settings of the flow group: `heartbeat_enabled`, `lazarus_enabled`, `version_locking_enabled`. */
  readonly groupLabels?: readonly string[];
  readonly groupSettings?: JsonObject;
}

/** Registers a flow. The same name in the same project is a new version, which archives the older ones. */
export function createFlow(service: Service, tenantId: string, spec: FlowSpec): FlowRow {
  const { flow, task, edge } = service.db.store.tables;
  const projectId = projectFor(service, tenantId, spec.project ?? "default");
  const older = [...flow.having("project_id", projectId)].filter((row) => row.name === spec.name);
  for (const row of older) flow.update(row, { archived: true });
  const latest = older.at(-1);
  const group = latest?.flow_group_id ?? createGroup(service, tenantId, spec).id;
  const row = flow.insert({
    ...newRow(service),
    tenant_id: tenantId,
    project_id: projectId,
    flow_group_id: group,
    name: spec.name,
    description: null,
    version: (latest?.version ?? 0) + 1,
    version_group_id: latest?.version_group_id ?? group,
    core_version: spec.coreVersion === undefined ? "1.4.1" : spec.coreVersion,
    archived: false,
    is_schedule_active: false,
    environment: spec.environment ?? null,
    storage: spec.storage === undefined ? moduleStorage(spec.name) : spec.storage,
    run_config: spec.runConfig ?? null,
    parameters: spec.parameters ?? [],
    settings: {},
    serialized_flow: null,
    schedule: null,
  });
  for (const one of spec.tasks ?? []) task.insert(taskRow(service, row, one));
  for (const one of spec.edges ?? []) edge.insert(edgeRow(service, row, one));
  return row;
}

function edgeRow(service: Service, flow: FlowRow, spec: EdgeSpec): EdgeRow {
  const taskId = (slug: string): string => {
    const found = [...service.db.store.tables.task.having("flow_id", flow.id)].find(
      (row) => row.slug === slug,
    );
    if (found === undefined)
      throw new ExpectedError(`cannot register "${flow.name}": it has no task "${slug}"`);
    return found.id;
  };
  return {
    ...newRow(service),
    tenant_id: flow.tenant_id,
    flow_id: flow.id,
    upstream_task_id: taskId(spec.from),
    downstream_task_id: taskId(spec.to),
    key: spec.key ?? null,
    mapped: spec.mapped ?? false,
  };
}

function taskRow(service: Service, flow: FlowRow, spec: TaskSpec) {
  return {
    ...newRow(service),
    tenant_id: flow.tenant_id,
    flow_id: flow.id,
    name: spec.name ?? spec.slug.replace(/-\d+$/, ""),
    slug: spec.slug,
    type: spec.type ?? "prefect.tasks.core.function.FunctionTask",
    description: null,
    max_retries: spec.maxRetries ?? 0,
    mapped: spec.mapped ?? false,
    auto_generated: false,
    is_root_task: false,
    is_terminal_task: false,
    is_reference_task: false,
    tags: [],
  };
}

function createGroup(service: Service, tenantId: string, spec: FlowSpec): FlowGroupRow {
  return service.db.store.tables.flow_group.insert({
    ...newRow(service),
    tenant_id: tenantId,
    name: spec.name,
    description: null,
    labels: spec.groupLabels ?? null,
    schedule: null,
    settings: spec.groupSettings ?? {},
    default_parameters: {},
    run_config: null,
  });
}

function projectFor(service: Service, tenantId: string, name: string): string {
  const { project } = service.db.store.tables;
  for (const row of project.all()) {
    if (row.tenant_id === tenantId && row.name === name) return row.id;
  }
  return project.insert({ ...newRow(service), tenant_id: tenantId, name, description: null }).id;
}

function moduleStorage(flow: string): JsonObject {
  return {
    type: "Module",
    __version__: "1.4.1",
    module: "flows",
    flows: { [flow]: "flows" },
    secrets: [],
  };
}
