// A plain client for the fake's tests, and a clock that only moves when told.

import { TestClock } from "../../support/clock.ts";
import type { JsonObject } from "../../../src/base/json.ts";

export interface GraphqlReply {
  readonly status: number;
  readonly data: JsonObject | null | undefined;
  readonly errors: { message: string; path?: string[]; extensions: JsonObject }[] | undefined;
}

export interface Post {
  readonly variables?: unknown;
  readonly headers?: Record<string, string>;
}

/** Posts a query to the fake's root. */
export async function graphql(api: { url: string }, query: string, post: Post = {}): Promise<GraphqlReply> {
  const response = await fetch(api.url, {
    method: "POST",
    headers: { "content-type": "application/json", ...post.headers },
    body: JSON.stringify({ query, variables: post.variables }),
  });
  const body = (await response.json()) as Omit<GraphqlReply, "status">;
  return { status: response.status, data: body.data, errors: body.errors };
}

const SET = `mutation($input: set_flow_run_states_input!) {
  set_flow_run_states(input: $input) { states { id status message } } }`;

/** Sets flow runs' states: pairs of id and state. */
export function setStates(
  api: { url: string },
  states: readonly { flow_run_id: string; state: JsonObject; version?: number }[],
  headers: Record<string, string> = {},
): Promise<GraphqlReply> {
  return graphql(api, SET, { variables: { input: { states } }, headers });
}

/** Sets one task run's state. */
export function setTaskState(
  api: { url: string },
  taskRunId: string,
  state: JsonObject,
): Promise<GraphqlReply> {
  return graphql(
    api,
    `
      mutation ($input: set_task_run_states_input!) {
        set_task_run_states(input: $input) {
          states {
            id
            status
          }
        }
      }
    `,
    { variables: { input: { states: [{ task_run_id: taskRunId, state }] } } },
  );
}

/** A clock that stands still. */
export class StillClock extends TestClock {
  #nowMs: number;

  constructor(start = "2022-03-04T05:06:07Z") {
    super();
    this.#nowMs = Date.parse(start);
  }

  now(): Date {
    return new Date(this.#nowMs);
  }

  /** Sleeping passes the time at once. */
  sleep(ms: number): Promise<void> {
    this.forward(ms);
    return Promise.resolve();
  }

  forward(ms: number): void {
    this.#nowMs += ms;
  }
}
