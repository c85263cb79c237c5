import { PrefectError } from "../../src/orchestrator/errors.ts";
import { describe, expect, it } from "vitest";
import { isRetryable } from "../../src/base/errors.ts";
import { TransportError } from "../../src/http/errors.ts";
import { dataOf, prefectConnectionError } from "../../src/prefect1/errors.ts";

const URL = "http://prefect.example";

function failureOf(body: unknown, status = 200, headers: Record<string, string> = {}): PrefectError {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  try {
    dataOf("do it", URL, { status, headers, body: text });
  } catch (error) {
    if (error instanceof PrefectError) return error;
    throw error;
  }
  throw new Error("there was no failure");
}

function graphqlError(message: string, code?: string): unknown {
  return { data: null, errors: [{ message, extensions: { code } }] };
}

describe("dataOf", () => {
  it("returns the data of a successful response", () => {
    expect(dataOf("do it", URL, { status: 200, headers: {}, body: '{"data":{"a":1}}' })).toEqual({ a: 1 });
  });

  it.each([
    { name: "401", body: "no", status: 401, failure: "unauthorized", retryable: false },
    { name: "403", body: "no", status: 403, failure: "unauthorized", retryable: false },
    { name: "404", body: "no", status: 404, failure: "refused", retryable: false },
    { name: "413", body: "no", status: 413, failure: "refused", retryable: false },
    { name: "429", body: "no", status: 429, failure: "overloaded", retryable: true },
    { name: "500", body: "no", status: 500, failure: "overloaded", retryable: true },
    { name: "503", body: "<html>", status: 503, failure: "overloaded", retryable: true },
    { name: "not JSON", body: "<html>", status: 200, failure: "unreadable", retryable: true },
    { name: "no data", body: {}, status: 200, failure: "unreadable", retryable: true },
  ])("classifies $name as $failure", ({ body, status, failure, retryable }) => {
    const error = failureOf(body, status);
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
  ])("classifies the GraphQL error $code, $message, as $failure", ({ message, code, failure }) => {
    expect(failureOf(graphqlError(message, code)).failure).toBe(failure);
  });

  it("prefers GraphQL errors to the HTTP status", () => {
    expect(failureOf(graphqlError("stale", "VERSION_LOCKING_ERROR"), 400).failure).toBe("locked");
  });

  it.each([
    { header: "7", want: 7_000 },
    { header: "0", want: undefined },
    { header: "Wed, 21 Oct 2026 07:28:00 GMT", want: undefined },
  ])("reads Retry-After $header as $want ms", ({ header, want }) => {
    expect(failureOf("", 429, { "retry-after": header }).retryAfterMs).toBe(want);
  });

  it("repeats no message", () => {
    const errors = [{ message: "no" }, { message: "no" }, { message: "never" }];
    expect(failureOf({ errors }).message).toBe("cannot do it: no; never");
  });
});

describe("prefectConnectionError", () => {
  it("names the URL, and is retryable", () => {
    const error = prefectConnectionError(
      "do it",
      URL,
      new TransportError("connection refused", { code: "ECONNREFUSED" }),
    );
    expect(error).toMatchObject({
      message: `cannot do it: ${URL}: connection refused`,
      failure: "unreachable",
    });
    expect(isRetryable(error)).toBe(true);
  });

  it("returns other errors unchanged", () => {
    const bug = new TypeError("x");
    expect(prefectConnectionError("do it", URL, bug)).toBe(bug);
  });
});
