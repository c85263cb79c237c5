import { PrefectError } from "../../src/orchestrator/errors.ts";
import { describe, expect, it } from "vitest";
import { isRetryable } from "../../src/base/errors.ts";
import { TransportError } from "../../src/http/errors.ts";
import type { Http, HttpAnswer } from "../../src/http/exchange.ts";
import { Graphql } from "../../src/prefect1/graphql.ts";
import { DUE } from "../../src/prefect1/queries.ts";

const URL = "http://prefect.example";

/** A client whose server answers every request so, or fails. */
function answering(answer: HttpAnswer | Error): Graphql {
  return graphqlOver(() => (answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer)));
}

function graphqlOver(request: Http["request"], apiKey?: string): Graphql {
  return new Graphql({ url: URL, apiKey, timeoutMs: 1_000, http: { request, close: () => {} } });
}

const operation = { action: "do it", name: "test", document: "{ a }" };

async function failureOf(
  body: unknown,
  status = 200,
  headers: Record<string, string> = {},
): Promise<PrefectError> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const error: unknown = await answering({ status, headers, body: text })
    .request(operation)
    .catch((thrown: unknown) => thrown);
  if (error instanceof PrefectError) return error;
  throw new Error("there was no failure");
}

function graphqlError(message: string, code?: string): unknown {
  return { data: null, errors: [{ message, extensions: { code } }] };
}

describe("a GraphQL request", () => {
  it("returns the data of a successful response", async () => {
    const graphql = answering({ status: 200, headers: {}, body: '{"data":{"a":1}}' });
    expect(await graphql.request(operation)).toEqual({ a: 1 });
  });

  it.each([
    { document: "query { a }", requests: 3, what: "query" },
    { document: "mutation { a }", requests: 1, what: "mutation" },
  ])(
    "sends a $what $requests times over a connection that the server had closed",
    async ({ document, requests }) => {
      let sent = 0;
      const graphql = graphqlOver(() => {
        if (++sent <= 2)
          return Promise.reject(new TransportError("closed", { code: "ECONNRESET", staleConnection: true }));
        return Promise.resolve({ status: 200, headers: {}, body: '{"data":{}}' });
      });
      await graphql.request({ ...operation, document }).catch(() => undefined);
      expect(sent).toBe(requests);
    },
  );

  it.each([
    { what: "filter", variables: { where: {}, limit: undefined }, arguments_: "where: $where" },
    {
      what: "order and page",
      variables: { where: {}, order: [{ id: "asc" }], limit: 1, offset: 2 },
      arguments_: "where: $where, order_by: $order, limit: $limit, offset: $offset",
    },
  ])("names only the arguments that it has: $what", async ({ variables, arguments_ }) => {
    const sent: string[] = [];
    const graphql = graphqlOver(({ body }) => {
      sent.push((JSON.parse(body ?? "") as { query: string }).query);
      return Promise.resolve({ status: 200, headers: {}, body: '{"data":{"flow_run":[]}}' });
    });
    await graphql.rows(DUE, variables);
    expect(sent.join()).toContain(`flow_run(${arguments_}) {`);
  });

  it.each([
    { what: "a table", read: (graphql: Graphql) => graphql.rows(operation) },
    { what: "an object", read: (graphql: Graphql) => graphql.object(operation) },
  ])("fails where $what is null: that says nothing of what Prefect has", async ({ read }) => {
    const graphql = answering({ status: 200, headers: {}, body: '{"data":{"a":null}}' });
    await expect(read(graphql)).rejects.toThrow("cannot do it: ");
  });

  it("sends the variables as text, as Prefect's client does", async () => {
    const sent: unknown[] = [];
    const graphql = graphqlOver(({ body }) => {
      sent.push(JSON.parse(body ?? ""));
      return Promise.resolve({ status: 200, headers: {}, body: '{"data":{}}' });
    });
    await graphql.request(operation, { id: "x" });
    await graphql.request(operation);
    expect(sent).toEqual([
      { query: "{ a }", variables: '{"id":"x"}' },
      { query: "{ a }", variables: "null" },
    ]);
  });

  it.each([
    { name: "401", body: "no", status: 401, failure: "unauthorized", retryable: false },
    {
      name: "413 with a proxy's page: it is too large, however often it is sent",
      body: "<html><h1>413 Request Entity Too Large</h1></html>",
      status: 413,
      failure: "refused",
      retryable: false,
    },
    { name: "403", body: "no", status: 403, failure: "unauthorized", retryable: false },
    {
      name: "404 of something before the API",
      body: "no",
      status: 404,
      failure: "unreadable",
      retryable: true,
    },
    {
      name: "400 of something before the API",
      body: "{}",
      status: 400,
      failure: "unreadable",
      retryable: true,
    },
    { name: "413", body: "no", status: 413, failure: "refused", retryable: false },
    { name: "429", body: "no", status: 429, failure: "overloaded", retryable: true },
    { name: "500", body: "no", status: 500, failure: "overloaded", retryable: true },
    { name: "503", body: "<html>", status: 503, failure: "overloaded", retryable: true },
    { name: "not JSON", body: "<html>", status: 200, failure: "unreadable", retryable: true },
    { name: "no data", body: {}, status: 200, failure: "unreadable", retryable: true },
  ])("classifies $name as $failure", async ({ body, status, failure, retryable }) => {
    const error = await failureOf(body, status);
    expect(error.failure).toBe(failure);
    expect(isRetryable(error)).toBe(retryable);
    expect(error.exitCode).toBe(3);
  });

  it.each([
    { message: "Forbidden", code: "UNAUTHENTICATED", failure: "unauthorized" },
    { message: "Malformed Authorization header", code: undefined, failure: "unauthorized" },
    { message: "stale", code: "VERSION_LOCKING_ERROR", failure: "locked" },
    {
      message: "State update failed: this run has already been submitted.",
      code: "INTERNAL_SERVER_ERROR",
      failure: "locked",
    },
    { message: "An internal API error occurred.", code: "API_ERROR", failure: "overloaded" },
    { message: "field not found", code: "GRAPHQL_VALIDATION_FAILED", failure: "refused" },
  ])("classifies the GraphQL error $code, $message, as $failure", async ({ message, code, failure }) => {
    expect((await failureOf(graphqlError(message, code))).failure).toBe(failure);
  });

  it("blames no key when none was sent", async () => {
    const answer = { status: 401, headers: {}, body: "no" };
    const error = { failure: "unauthorized", message: "cannot do it: no API key is set" };
    await expect(answering(answer).request(operation)).rejects.toMatchObject(error);
    const withKey = graphqlOver(() => Promise.resolve(answer), "a-key");
    const refused = { failure: "unauthorized", message: "cannot do it: the API answered 401" };
    await expect(withKey.request(operation)).rejects.toMatchObject(refused);
  });

  it.each([
    { status: 401, failure: "unauthorized", retryable: false },
    { status: 403, failure: "unauthorized", retryable: false },
    { status: 429, failure: "overloaded", retryable: true },
    { status: 502, failure: "overloaded", retryable: true },
    { status: 503, failure: "overloaded", retryable: true },
    { status: 504, failure: "overloaded", retryable: true },
  ])(
    "reads $status of a gateway as $failure, whatever its JSON says",
    async ({ status, failure, retryable }) => {
      const error = await failureOf({ errors: [{ message: "upstream connect error" }] }, status);
      expect([error.failure, isRetryable(error)]).toEqual([failure, retryable]);
    },
  );

  it.each(['{"data":{"a":null}}', '{"data":{}}', '{"data":{"a":{}}}'])(
    "takes %s for no answer about rows: no row would mean that they are deleted",
    async (body) => {
      const asked = answering({ status: 200, headers: {}, body }).rows(operation);
      await expect(asked).rejects.toMatchObject({ failure: "unreadable", retryable: true });
    },
  );

  it("prefers GraphQL errors to the other HTTP statuses", async () => {
    expect((await failureOf(graphqlError("stale", "VERSION_LOCKING_ERROR"), 400)).failure).toBe("locked");
  });

  it.each([
    { header: "7", want: 7_000 },
    { header: "0", want: undefined },
    { header: "Wed, 21 Oct 2026 07:28:00 GMT", want: undefined },
  ])("reads Retry-After $header as $want ms", async ({ header, want }) => {
    expect((await failureOf("", 429, { "retry-after": header })).retryAfterMs).toBe(want);
  });

  it("repeats no message", async () => {
    const errors = [{ message: "no" }, { message: "no" }, { message: "never" }];
    expect((await failureOf({ errors })).message).toBe("cannot do it: no; never");
  });
});

describe("a request without an answer", () => {
  it("fails with the URL, and is retryable", async () => {
    const refused = new TransportError("connection refused", { code: "ECONNREFUSED" });
    const error: unknown = await answering(refused)
      .request(operation)
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      message: `cannot do it: the Prefect API at ${URL} cannot be reached: connection refused`,
      failure: "unreachable",
    });
    expect(isRetryable(error)).toBe(true);
  });

  it("throws a bug as it is", async () => {
    const bug = new TypeError("x");
    await expect(answering(bug).request(operation)).rejects.toBe(bug);
  });
});
