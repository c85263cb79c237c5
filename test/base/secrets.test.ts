import { describe, expect, it } from "vitest";
import { redactUrl } from "../../src/base/redact-url.ts";
import { Secrets } from "../../src/base/secrets.ts";

const SECRET = 'p@ss w0rd"!';

describe("Secrets", () => {
  it.each([
    ["as it is", SECRET],
    ["percent-encoded", encodeURIComponent(SECRET)],
    ["in JSON", JSON.stringify(SECRET).slice(1, -1)],
    ["in base64", Buffer.from(SECRET).toString("base64")],
    ["in base64 without padding", Buffer.from(SECRET).toString("base64").replaceAll("=", "")],
  ])("redacts a secret %s", (_, form) => {
    const secrets = new Secrets();
    secrets.add(SECRET, undefined);
    expect(secrets.redact(`<${form}>`)).toMatch(/^<\*\*\*=*>$/);
  });

  it.each([
    "http://kim:p%40ss%20w0rd%22!@proxy:3128",
    'kim:p@ss w0rd"!@host',
    'ftp://kim:p@ss w0rd"!@host/path',
  ])("takes the password out of %s", (url) => {
    const secrets = new Secrets();
    secrets.addUrl(url);
    expect(secrets.redact(`it was ${SECRET}`)).toBe("it was ***");
  });

  it("redacts the longest first, and leaves what is too short to be told from a word", () => {
    const secrets = new Secrets();
    secrets.add("hunter2-s3cret", "hunter2-s3cret-2", "flows");
    expect(secrets.redact("hunter2-s3cret-2 in namespace flows")).toBe("*** in namespace flows");
  });

  it("forgets tokens that have been renewed many times since, and neither a key nor what is still in use", () => {
    const secrets = new Secrets();
    secrets.add("the-api-key");
    const tokens = [...Array(100).keys()].map((at) => `token-number-${at}`);
    for (const token of tokens) secrets.addRenewed(token, "the-client-secret");
    expect(secrets.redact("the-api-key the-client-secret token-number-98 token-number-99")).toBe(
      "*** *** *** ***",
    );
    expect(secrets.redact("token-number-0 token-number-50")).toBe("token-number-0 token-number-50");
  });
});

describe("redact", () => {
  it("takes users and passwords out of every URL, however short they are", () => {
    const text = 'api "http://kim:pw@host:4200/a@b" and https://host/?to=kim@corp, kim@corp';
    expect(new Secrets().redact(text)).toBe(
      'api "http://host:4200/a@b" and https://host/?to=kim@corp, kim@corp',
    );
  });
});

describe("redactUrl", () => {
  it.each([
    ["http://kim:hunter2@host:4200/a?b=c", "http://host:4200/a?b=c"],
    ["http://host/a@b", "http://host/a@b"],
    ["http://kim:hunt/er2@host", "http://host"],
    ["http://kim:hunter2@[x", "http://[x"],
    ["kim:hunt/er2@host", "host"],
    ["ftp://kim:hunter2@host", "ftp://host"],
    ["//kim:hunter2@host", "//host"],
    ["localhost:4200", "localhost:4200"],
    ["", ""],
  ])("makes %s into %s", (url, shown) => {
    expect(redactUrl(url)).toBe(shown);
  });
});
