import { expandVariables } from "../../../src/base/env.ts";
import { describe, expect, it } from "vitest";
import { apiSlug } from "../../../src/prefect1/config/load.ts";
import { fileLayer, resolveReferences } from "../../../src/prefect1/config/layers.ts";

describe("apiSlug", () => {
  it.each([
    { url: "https://api.prefect.io", want: "api.prefect.io" },
    { url: "http://localhost:4200", want: "localhost-4200" },
    { url: "http://my_host:1", want: "my-host-1" },
    { url: "HTTP://Host:1/graphql/alpha?x=1", want: "host-1" },
    { url: "http://[::1]:4200", want: "1-4200" },
    { url: "foo", want: "foo" },
  ])("is $want for $url", ({ url, want }) => {
    expect(apiSlug(url)).toBe(want);
  });
});

describe("expandVariables", () => {
  it.each([
    { text: "$A-${B}", want: "1-2" },
    { text: "http://${DEEP}", want: "http://1-2" },
    { text: "$NONE ${NONE} $", want: "$NONE ${NONE} $" },
    { text: "~", want: "/home/me" },
    { text: "~/x", want: "/home/me/x" },
    { text: "a~/x", want: "a~/x" },
    { text: "~other/x", want: "~other/x" },
  ])("makes $want of $text", ({ text, want }) => {
    expect(expandVariables(text, { A: "1", B: "2", DEEP: "$A-$B", HOME: "/home/me" })).toBe(want);
  });

  it("keeps the tilde without HOME", () => {
    expect(expandVariables("~/x", {})).toBe("~/x");
  });
});

describe("references", () => {
  const valueOf = (table: Record<string, unknown>): unknown =>
    resolveReferences(fileLayer(table, "f"), {}).get("a")?.value;

  it.each([
    { title: "are replaced by the value with its type", table: { a: "${b.c}", b: { c: 7 } }, want: 7 },
    { title: "are replaced within strings", table: { a: "<${b.c}>", b: { c: 7 } }, want: "<7>" },
    { title: "are resolved innermost first", table: { a: "${${b}.x}", b: "c", c: { x: "y" } }, want: "y" },
    { title: "are resolved recursively", table: { a: "${b}", b: "${c}", c: "d" }, want: "d" },
    { title: "to unknown keys are empty", table: { a: "<${b}>" }, want: "<>" },
    { title: "to unknown keys are empty, also as the whole value", table: { a: "${b}" }, want: "" },
  ])("$title", ({ table, want }) => {
    expect(valueOf(table)).toBe(want);
  });

  it("to themselves do not loop", () => {
    expect(valueOf({ a: "x${a}" })).toMatch(/^x+\$\{a\}$/);
    expect(String(valueOf({ a: "${a}${a}x" })).length).toBeLessThan(10_000);
  });
});
