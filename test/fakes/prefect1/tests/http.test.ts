// The HTTP side: paths, forms of `variables`, error shapes, headers, authorization.

import { afterEach, describe, expect, it } from "vitest";
import { startFakePrefect1 } from "../fake-prefect1.ts";
import type { FakePrefect1, FakePrefect1Options } from "../fake-prefect1.ts";
import { graphql } from "../client.ts";

let api: FakePrefect1;

async function start(options?: FakePrefect1Options): Promise<void> {
  api = await startFakePrefect1(options);
}

afterEach(() => api.stop());

function post(path: string, body: unknown): Promise<Response> {
  return fetch(api.url + path, {
    method: "POST",
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}

describe("requests", () => {
  it.each(["/", "/graphql", "/graphql/alpha"])("are answered at %s", async (path) => {
    await start();
    const response = await post(path, { query: "query { hello }", variables: "null" });
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ data: { hello: "👋" } });
  });

  const id = "b5eb4a6f-0e4f-4ad5-a7de-3aa5b0b0a333";
  it.each([
    { name: "an object", variables: { id } },
    { name: "a JSON text", variables: JSON.stringify({ id }) },
  ])("take variables as $name", async ({ variables }) => {
    await start();
    const reply = await graphql(api, "query($id: uuid!) { flow_run_by_pk(id: $id) { id } }", { variables });
    expect(reply).toEqual({ status: 200, data: { flow_run_by_pk: null }, errors: undefined });
  });

  it.each([{ variables: "null" }, { variables: null }, { variables: undefined }, { variables: "" }])(
    "take $variables as no variables",
    async ({ variables }) => {
      await start();
      expect((await graphql(api, "{ hello }", { variables })).data).toEqual({ hello: "👋" });
    },
  );

  it("answer the health check of the gateway", async () => {
    await start();
    const response = await fetch(`${api.url}/.well-known/apollo/server-health`);
    expect([response.status, await response.json()]).toEqual([200, { status: "pass" }]);
  });

  it("run every alias of a batch, and fail only those that fail", async () => {
    await start();
    const run = api.createFlowRun({ flow: api.createFlow({ name: "f" }) });
    const cancel = (flowRunId: string): string =>
      `cancel_flow_run(input: {flow_run_id: "${flowRunId}"}) { state }`;
    const reply = await graphql(api, `mutation { a: ${cancel(id)} b: ${cancel(run.id)} }`);
    expect(reply.status).toBe(200);
    expect(reply.data).toEqual({ a: null, b: { state: "Cancelled" } });
    expect(reply.errors?.map((error) => error.path)).toEqual([["a"]]);
  });
});

describe("refusals", () => {
  const deep =
    "{ flow_run { flow { flow_runs { flow { flow_runs { flow { flow_runs { flow { id } } } } } } } } }";
  it.each([
    { name: "a syntax error", query: "query {", code: "GRAPHQL_PARSE_FAILED" },
    { name: "an unknown field", query: "{ nothing }", code: "GRAPHQL_VALIDATION_FAILED" },
    {
      name: "Cloud's fields on a server",
      query: "{ auth_info { tenant_id } }",
      code: "GRAPHQL_VALIDATION_FAILED",
    },
    {
      name: "a missing variable",
      query: "query($id: uuid!) { flow_run_by_pk(id: $id) { id } }",
      code: "BAD_USER_INPUT",
    },
    { name: "deep nesting", query: deep, code: "GRAPHQL_VALIDATION_FAILED" },
  ])("answer $name with 400 and $code", async ({ query, code }) => {
    await start();
    const reply = await graphql(api, query);
    expect(reply.status).toBe(400);
    expect(reply.data).toBeUndefined();
    expect(reply.errors?.[0]?.extensions).toEqual({ code });
  });

  it("answer a bad UUID in a mutation with 200, null and errors", async () => {
    await start();
    const reply = await graphql(api, 'mutation { cancel_flow_run(input: {flow_run_id: "x"}) { state } }');
    expect(reply.status).toBe(200);
    expect(reply.data).toEqual({ cancel_flow_run: null });
    expect(reply.errors?.[0]).toMatchObject({
      path: ["cancel_flow_run"],
      extensions: { code: "INTERNAL_SERVER_ERROR" },
    });
  });

  it("answer a bad UUID in a table query in PostgreSQL's words", async () => {
    await start();
    const reply = await graphql(api, '{ flow_run_by_pk(id: "x") { id } }');
    expect(reply.status).toBe(200);
    expect(reply.errors?.[0]?.message).toBe('invalid input syntax for type uuid: "x"');
    expect(reply.errors?.[0]?.extensions["code"]).toBe("data-exception");
  });

  it.each([
    { name: "bad variables", body: { query: "{ hello }", variables: "{" }, status: 400 },
    { name: "no query", body: {}, status: 400 },
    { name: "no JSON", body: "hello", status: 400 },
    { name: "more than 5 MB", body: " ".repeat(6 * 1024 * 1024), status: 413 },
  ])("answer $name with $status", async ({ body, status }) => {
    await start();
    expect((await post("/", body)).status).toBe(status);
  });
});

describe("the request log", () => {
  it("keeps fields, time, status and Prefect's headers", async () => {
    await start();
    await graphql(api, "query { first: hello again: hello api { version } }", {
      headers: { "X-Prefect-Core-Version": "1.4.1", "x-other": "no" },
    });
    expect(api.requests.entries()).toEqual([
      {
        n: 1,
        at: expect.any(Date),
        path: "/",
        kind: "query",
        fields: ["hello", "hello", "api"],
        headers: { "x-prefect-core-version": "1.4.1" },
        authorized: false,
        status: 200,
      },
    ]);
    expect([api.requests.count(), api.requests.count("hello"), api.requests.count("agent")]).toEqual([
      1, 1, 0,
    ]);
  });

  it("forgets the oldest entries, but not their number", async () => {
    await start({ keepRequests: 2 });
    for (let i = 0; i < 6; i++) await graphql(api, "{ hello }");
    expect(api.requests.entries().map((entry) => entry.n)).toEqual([5, 6]);
    expect(api.requests.count("hello")).toBe(6);
  });
});

describe("Cloud", () => {
  const key = "pcu_fake_key";
  const authorized = { headers: { authorization: `Bearer ${key}` } };

  it("tells the tenant to those who have the key", async () => {
    await start({ flavour: "cloud", apiKey: key });
    const reply = await graphql(
      api,
      "{ auth_info { tenant_id api_token_scope } api { backend } }",
      authorized,
    );
    expect(reply.data).toEqual({
      auth_info: { tenant_id: api.tenantId, api_token_scope: "RUNNER" },
      api: { backend: "CLOUD" },
    });
  });

  it.each([{ authorization: "Bearer wrong" }, { authorization: "" }])(
    "refuses the header $authorization with UNAUTHENTICATED",
    async ({ authorization }) => {
      await start({ flavour: "cloud", apiKey: key });
      const reply = await graphql(
        api,
        "{ hello }",
        authorization === "" ? {} : { headers: { authorization } },
      );
      expect(reply.status).toBe(200);
      expect(reply.errors?.[0]?.extensions).toEqual({ code: "UNAUTHENTICATED" });
    },
  );

  it("refuses with 401 when told to", async () => {
    await start({ flavour: "cloud", unauthorized: "401" });
    expect((await post("/", { query: "{ hello }" })).status).toBe(401);
  });

  it("never shows the key again", async () => {
    await start({ flavour: "cloud", apiKey: key });
    const replies = [
      await graphql(api, "{ nothing }", authorized),
      await graphql(api, "{ hello tenant { id } }", authorized),
    ];
    expect(JSON.stringify([replies, api.requests.entries()])).not.toContain(key);
    expect(api.requests.entries()[0]?.authorized).toBe(true);
  });
});
