import type { PrefectFailure } from "../../../src/orchestrator/errors.ts";
import { PrefectError } from "../../../src/orchestrator/errors.ts";
import { describe, expect, it } from "vitest";
import { aboutFindings, helloFindings, tenantFindings } from "../../../src/doctor/checks/prefect1-api.ts";
import { prefect3Findings } from "../../../src/doctor/checks/prefect3-api.ts";
import { withoutPassword } from "../../../src/doctor/checks/configuration.ts";
import { lines } from "../samples.ts";

const URL = "http://prefect:4200";
const CLOUD = { url: URL, backend: "cloud", hasKey: true };

function refused(failure: PrefectFailure, detail = "no") {
  return { ok: false as const, error: new PrefectError("ask", detail, { failure, hint: "do this" }) };
}

describe("the Prefect 1 API", () => {
  it.each([
    { hello: { ok: true as const, value: undefined }, want: [`ok API: ${URL} answers`] },
    {
      hello: refused("unreachable", `${URL}: connection refused`),
      want: [`broken API: cannot reach ${URL}: connection refused`],
    },
    {
      hello: refused("unreadable", `${URL} is not a Prefect API`),
      want: [`broken API: ${URL} is not a Prefect API`],
    },
    { hello: refused("unreadable", "it is a web page"), want: [`broken API: ${URL}: it is a web page`] },
    {
      hello: refused("unauthorized", "Forbidden"),
      want: [`ok API: ${URL} answers`, "broken API key: not accepted: Forbidden"],
    },
  ])("$want", ({ hello, want }) => {
    expect(lines(helloFindings(CLOUD, hello))).toEqual(want);
  });

  it("is broken without a key that it requires", () => {
    const [, key] = helloFindings({ ...CLOUD, hasKey: false }, refused("unauthorized"));
    expect(key).toMatchObject({ status: "broken", message: "missing, but the API requires one" });
  });

  it("does not show the password in its address", () => {
    const url = "http://me:pw@prefect:4200";
    const findings = helloFindings({ ...CLOUD, url }, refused("unreachable", `${url}: connection refused`));
    expect(JSON.stringify(findings)).not.toContain("pw");
    expect(withoutPassword("not a url//me:pw@x")).toBe("not a url//x");
  });

  it.each([
    { backend: "SERVER", target: "cloud", status: "broken", hint: "--backend server" },
    { backend: "CLOUD", target: "server", status: "broken", hint: "--backend cloud" },
    { backend: "SERVER", target: "server", status: "ok", hint: "" },
    { backend: undefined, target: "cloud", status: "ok", hint: "" },
  ])("of backend $backend, configured as $target, is $status", ({ backend, target, status, hint }) => {
    const about = { ok: true as const, value: { backend, version: "2022.11", coreVersion: "1.4.1" } };
    const [finding] = aboutFindings({ ...CLOUD, backend: target }, about);
    expect(finding?.status).toBe(status);
    expect(finding?.hint ?? "").toContain(hint);
  });

  it("need not tell its version", () => {
    expect(aboutFindings(CLOUD, refused("refused"))).toEqual([]);
  });

  it("shows by the tenant that the key is accepted", () => {
    expect(lines(tenantFindings(CLOUD, { ok: true, value: { id: "t", name: "acme" } }))).toEqual([
      "ok API key: accepted",
      'ok tenant: "acme" (t)',
    ]);
    expect(lines(tenantFindings(CLOUD, refused("unauthorized")))).toEqual([
      "broken API key: not accepted: no",
    ]);
    expect(lines(tenantFindings(CLOUD, refused("refused")))).toEqual(["broken tenant: cannot ask: no"]);
    expect(lines(tenantFindings(CLOUD, { ok: true, value: undefined }))).toEqual([
      "ok API key: accepted",
      "broken tenant: the API has no tenant with the configured id",
    ]);
  });
});

describe("the API of Prefect 2 and 3", () => {
  const target = { url: URL, hasKey: false };
  const about = { ok: true as const, value: { version: "3.8.8", date: undefined } };

  it.each([
    { count: { ok: true as const, value: 1 }, want: [`ok Prefect 2/3 API: ${URL} answers, Prefect 3.8.8`] },
    {
      count: refused("unauthorized"),
      want: [
        `ok Prefect 2/3 API: ${URL} answers, Prefect 3.8.8`,
        "broken Prefect 2/3 key: missing, but the API requires one",
      ],
    },
    {
      count: refused("unreachable", `${URL}: connection refused`),
      want: [`broken Prefect 2/3 API: cannot reach ${URL}: connection refused`],
    },
  ])("$want", ({ count, want }) => {
    expect(lines(prefect3Findings(target, { count, about }))).toEqual(want);
  });

  it("need not tell its version", () => {
    const findings = prefect3Findings(target, { count: { ok: true, value: 1 }, about: refused("refused") });
    expect(lines(findings)).toEqual([`ok Prefect 2/3 API: ${URL} answers`]);
  });
});
