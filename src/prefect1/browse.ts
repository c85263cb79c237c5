// What people look at in Prefect 1: the latest flow runs, a run's log, its page in the UI.

import { arrayIn, dateIn, objectIn, textIn } from "../base/json.ts";
import type { JsonObject } from "../base/json.ts";
import { redactUrl } from "../base/redact-url.ts";
import type { KnownRun, LoggedLine, LogPage, LogQuery } from "../orchestrator/run-directory.ts";
import { RECENT_LIMIT } from "../orchestrator/run-directory.ts";
import type { Graphql } from "./graphql.ts";
import { LOG_PAGE, RECENT_RUNS, TENANT_SLUG } from "./queries.ts";
import { decodeStateRow, runStateOf } from "./run-state.ts";
import { FINISHED, isoUtc } from "./states.ts";

const ERRORS = ["ERROR", "CRITICAL"];
/** Run configs of agents that create no Kubernetes Jobs. */
const ELSEWHERE = /^(?!Kubernetes|Universal)\w+Run$/;

/** All throw PrefectError. */
export interface Browse {
  /** Runs that are due, claimed or running, and those that ended since then; the last changed first. */
  recent(span: { readonly since: Date; readonly now: Date }, signal?: AbortSignal): Promise<KnownRun[]>;
  log(id: string, query: LogQuery & LogPage, signal?: AbortSignal): Promise<LoggedLine[]>;
  /** The run's page in the UI at this address. */
  page(id: string, ui: string): Promise<string>;
}

export function browse(graphql: Graphql, tenantId: (signal?: AbortSignal) => Promise<string>): Browse {
  return {
    recent: async ({ since, now }, signal) => {
      const times = { now: isoUtc(now), since: isoUtc(since) };
      const tenant = await tenantId(signal);
      const variables = { tenant, finished: FINISHED, limit: RECENT_LIMIT, ...times };
      const data = await graphql.request(RECENT_RUNS, variables, signal);
      return [...arrayIn(data["unfinished"]), ...arrayIn(data["ended"])].flatMap((row) => knownRun(row));
    },
    log: async (id, { since, errorsOnly, offset, limit, newestFirst }, signal) => {
      const where = {
        flow_run_id: { _eq: id },
        ...(since === undefined ? {} : { timestamp: { _gte: isoUtc(since) } }),
        ...(errorsOnly === true ? { level: { _in: ERRORS } } : {}),
      };
      const variables = { where, offset, limit, order: [{ timestamp: newestFirst ? "desc" : "asc" }] };
      return (await graphql.rows(LOG_PAGE, variables, signal)).map(loggedLine);
    },
    page: async (id, ui) => {
      const [row] = await graphql.rows(TENANT_SLUG, { tenant: await tenantId() });
      const slug = textIn(row?.["slug"]) ?? "default";
      return `${redactUrl(ui).replace(/\/+$/, "")}/${encodeURIComponent(slug)}/flow-run/${id}`;
    },
  };
}

function knownRun(raw: unknown): KnownRun[] {
  const row = decodeStateRow(raw);
  const { run_config: config, state_timestamp: at } = objectIn(raw);
  if (ELSEWHERE.test(textIn(objectIn(config)["type"]) ?? "")) return [];
  const { id, name, labels, agent } = row;
  return [{ id, name: name ?? undefined, labels, agent, state: runStateOf({ ...row, updated: dateIn(at) }) }];
}

function loggedLine({ timestamp, level, name, message }: JsonObject): LoggedLine {
  return {
    at: dateIn(timestamp),
    level: textIn(level) ?? "",
    logger: textIn(name) ?? "",
    message: textIn(message) ?? "",
  };
}
