// Templates from text, files, HTTP, S3 and Google Cloud Storage, against a local HTTP server.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import {
  agentTemplate,
  readTemplate,
  runTemplate,
  type TemplateDeps,
} from "../../../src/prefect1/build/template-sources.ts";
import { isRetryable, SettingsError } from "../../../src/base/errors.ts";
import { JobError } from "../../../src/job/errors.ts";
import { parseTemplate } from "../../../src/prefect1/build/template.ts";
import type { Template, TemplateOrigin } from "../../../src/prefect1/build/template.ts";
import { withRunConfig } from "./support.ts";
import { startTlsServer } from "../../support/tls-server.ts";

const TEXT = "kind: Job\nspec:\n  template:\n    spec: {nodeSelector: {disk: ssd}}\n";
const BODY = { kind: "Job", spec: { template: { spec: { nodeSelector: { disk: "ssd" } } } } };
const ORIGIN: TemplateOrigin = { from: "agent", name: "t.yaml" };

let answer: (request: IncomingMessage, response: ServerResponse) => void;
let seen: IncomingMessage[] = [];
let base = "";
const server = createServer((request, response) => {
  seen.push(request);
  // No connection may outlive its test.
  response.setHeader("connection", "close");
  answer(request, response);
});

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
beforeEach(() => {
  seen = [];
});
afterEach(() => server.closeAllConnections());
afterAll(() => new Promise((resolve) => server.close(resolve)));

function load(path: string, env: Record<string, string> = {}): Promise<Template> {
  return loadWith(path, { env });
}

function loadWith(path: string, deps: TemplateDeps): Promise<Template> {
  return agentTemplate(path, (source) => readTemplate(source, deps));
}

function loadOfRun(path: string): Promise<Template | undefined> {
  return runTemplate(withRunConfig({ job_template_path: path }), (source) =>
    readTemplate(source, { env: {} }),
  );
}

function reply(status: number, body: string, headers: Record<string, string> = {}): typeof answer {
  return (_, response) => void response.writeHead(status, headers).end(body);
}

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe("parseTemplate", () => {
  it.each([
    { text: "a: [1", want: /^cannot use job template "t\.yaml": it is not YAML: .* at line 1, column 6$/ },
    { text: "a: b\n  c: d", want: /it is not YAML: .* at line 1, column 4$/ },
    { text: "spec:\n  a: *nothing", want: /it is not YAML: Unresolved alias/ },
    { text: "spec: &a {template: *a}", want: /it refers to itself, or is nested too deeply$/ },
    { text: `${TEXT}---\n${TEXT}`, want: /it holds a second document at line 5, column 1$/ },
    { text: "", want: /it is empty, not a Job$/ },
    { text: "just text", want: /it is not an object$/ },
    { text: "kind: Pod\nspec: {}", want: /it is a Pod, not a Job$/ },
  ])("refuses $text", ({ text, want }) => {
    expect(() => parseTemplate(text, ORIGIN)).toThrow(want);
  });

  it("parses octal modes, yes and merge keys like kubectl, 12:30 like PyYAML, but keeps dates and y as strings", () => {
    const text = `${TEXT}x-base: &base {mode: 0644, ok: yes, is: Off}\nx:\n  <<: *base\n  day: 2024-01-02\n  at: 12:30\n  y: y\n`;
    expect(parseTemplate(text, ORIGIN).body["x"]).toEqual({
      mode: 0o644,
      ok: true,
      is: false,
      day: "2024-01-02",
      at: 750,
      y: "y",
    });
  });

  it("reads JSON", () => {
    expect(parseTemplate(JSON.stringify(BODY), ORIGIN).body).toEqual(BODY);
  });
});

describe("readTemplate", () => {
  it("throws JobError for a run config's template, SettingsError for the agent's", async () => {
    expect(await failureOf(loadOfRun("/nowhere"))).toBeInstanceOf(JobError);
    expect(await failureOf(load("/nowhere"))).toBeInstanceOf(SettingsError);
  });

  it.each(["ftp://h/t.yaml", "azure://c/t.yaml"])("refuses the scheme of %s", async (path) => {
    await expect(load(path)).rejects.toThrow(/unsupported scheme "(ftp|azure)"$/);
  });
});

describe("a template file", () => {
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "template-"));
    writeFileSync(join(folder, "t.yaml"), TEXT);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each(["", "file://", "file:", "local://", "agent://", "agent://localhost"])(
    "is read from %s/path",
    async (prefix) => {
      expect((await load(`${prefix}${folder}/t.yaml`)).body).toEqual(BODY);
    },
  );

  it.each([
    { path: "/nowhere/t.yaml", want: 'cannot use job template "/nowhere/t.yaml": there is no such file' },
    { path: "/", want: "it is a directory" },
    { path: "/dev/zero", want: "it is not a regular file" },
    { path: "agent://etc/t.yaml", want: "write agent:///path/to/template.yaml" },
  ])("reports that $path cannot be read", async ({ path, want }) => {
    await expect(load(path)).rejects.toThrow(want);
  });
});

describe("a file that is not a template", () => {
  const SECRET = "pk-must-not-be-printed";
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "secret-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each([
    SECRET,
    `"${SECRET}`,
    `user: [${SECRET}`,
    `token: ${SECRET}: ${SECRET}`,
    `*${SECRET}`,
    `{a: &${SECRET} 1, b: *${SECRET}2}`,
    `!!${SECRET} 1`,
    `%${SECRET}\n---\n@`,
    `- ${SECRET}\n${SECRET}: 1`,
    `PREFECT__CLOUD__API_KEY=${SECRET}\0HOME=/root\0`,
    `spec: {template: {spec: {containers: "${SECRET}"}}}`,
    `kind: ${SECRET}`,
    `apiVersion: ${SECRET}\nkind: [${SECRET}]`,
  ])("does not appear in the error message: %j", async (text) => {
    const path = join(folder, "file");
    writeFileSync(path, text);
    const failure = await failureOf(loadOfRun(path));
    expect((failure as Error).message).not.toContain(SECRET);
  });

  it("must not be larger than 1 MiB", async () => {
    const path = join(folder, "large");
    writeFileSync(path, `${TEXT}#${" ".repeat(1024 * 1024)}`);
    await expect(load(path)).rejects.toThrow("it is larger than 1 MiB");
  });
});

describe("a template from HTTP", () => {
  it("does not send user and password to another host after a redirect", async () => {
    answer = (request, response) => {
      const elsewhere = `${base.replace("127.0.0.1", "localhost")}/elsewhere`;
      if (request.url === "/old") reply(302, "", { location: elsewhere })(request, response);
      else reply(200, TEXT)(request, response);
    };
    expect((await load(`${base.replace("//", "//me:pw@")}/old`)).body).toEqual(BODY);
    expect(seen.map(({ url, headers }) => [url, headers.host, headers.authorization !== undefined])).toEqual([
      ["/old", new URL(base).host, true],
      ["/elsewhere", new URL(base).host.replace("127.0.0.1", "localhost"), false],
    ]);
  });

  it("is not loaded from a server with an untrusted certificate", async () => {
    const untrusted = await startTlsServer(reply(200, TEXT));
    await expect(load(`${untrusted.url}/t.yaml`)).rejects.toThrow("self-signed certificate");
    expect(untrusted.asked).toEqual([]);
    await untrusted.stop();
  });

  it("does not follow a redirect from https to http", async () => {
    const secure = await startTlsServer(reply(302, "", { location: `${base}/t.yaml` }));
    answer = reply(200, TEXT);
    const deps = { env: { SSL_CERT_FILE: "/ca.pem" }, readFile: () => secure.certificate };
    const loaded = loadWith(`${secure.url}/t.yaml`, deps);
    await expect(loaded).rejects.toThrow("it redirects from https to http");
    expect(secure.asked).toEqual(["/t.yaml"]);
    expect(seen).toEqual([]);
    await secure.stop();
  });

  it("is loaded after a redirect", async () => {
    answer = (request, response) =>
      request.url === "/old"
        ? reply(302, "", { location: "/new?x=1" })(request, response)
        : reply(200, TEXT)(request, response);
    expect((await load(`${base}/old`)).body).toEqual(BODY);
    expect(seen.map(({ url }) => url)).toEqual(["/old", "/new?x=1"]);
  });

  it.each([
    { status: 404, want: "there is no such template (HTTP 404)", retryable: false },
    { status: 401, want: "access denied (HTTP 401)", retryable: false },
    { status: 403, want: "access denied (HTTP 403)", retryable: false },
    { status: 304, want: "HTTP 304", retryable: false },
    { status: 429, want: "HTTP 429", retryable: true },
    { status: 503, want: "HTTP 503", retryable: true },
  ])("is an error at status $status, retryable: $retryable", async ({ status, want, retryable }) => {
    answer = reply(status, TEXT);
    const failure = await failureOf(load(`${base}/t.yaml`));
    expect((failure as Error).message).toBe(`cannot use job template "${base}/t.yaml": ${want}`);
    expect(isRetryable(failure)).toBe(retryable);
  });

  it("does not follow a redirect to another scheme", async () => {
    answer = reply(302, "", { location: "file:///etc/passwd" });
    await expect(load(`${base}/t.yaml`)).rejects.toThrow(
      "it redirects to file:, only http and https are followed",
    );
  });

  it("does not follow endless redirects", async () => {
    answer = reply(307, "", { location: "/t.yaml" });
    await expect(load(`${base}/t.yaml`)).rejects.toThrow("it redirects more than 5 times");
    expect(seen).toHaveLength(6);
  });

  it("must not be larger than 1 MiB", async () => {
    answer = reply(200, `${TEXT}#${" ".repeat(1024 * 1024)}`);
    await expect(load(`${base}/t.yaml`)).rejects.toThrow("it is larger than 1 MiB");
  });

  it.each(["before its headers", "within its body"])("times out when the server hangs %s", async (where) => {
    answer = (_, response) => {
      if (where === "within its body") response.writeHead(200).write("kind:");
    };
    const failure = await failureOf(loadWith(`${base}/t.yaml`, { env: {}, timeoutMs: 50 }));
    expect((failure as Error).message).toContain("no answer within 0.05 s");
    expect(isRetryable(failure)).toBe(true);
  });

  it("is aborted when the agent stops", async () => {
    const stop = new AbortController();
    answer = () => stop.abort(new Error("stopping"));
    const loading = loadWith(`${base}/t.yaml`, { env: {}, signal: stop.signal });
    await expect(loading).rejects.toThrow("aborted");
  });

  it("is retryable when the connection is refused", async () => {
    const failure = await failureOf(load("http://127.0.0.1:1/t.yaml"));
    expect((failure as Error).message).toBe(
      'cannot use job template "http://127.0.0.1:1/t.yaml": connection refused',
    );
    expect(isRetryable(failure)).toBe(true);
  });

  it("is requested with the URL's user and query, which are not in error messages", async () => {
    answer = reply(404, "");
    const failure = await failureOf(load(`${base.replace("//", "//me:pw@")}/t.yaml?sig=abc`));
    expect((failure as Error).message).toContain(`"${base}/t.yaml"`);
    expect(seen[0]?.headers.authorization).toBe(`Basic ${Buffer.from("me:pw").toString("base64")}`);
    expect(seen[0]?.url).toBe("/t.yaml?sig=abc");
  });

  it("is requested through the proxy of the environment", async () => {
    answer = reply(200, TEXT);
    expect((await load("http://templates.example/t.yaml", { HTTP_PROXY: base })).body).toEqual(BODY);
    expect(seen[0]?.url).toBe("http://templates.example/t.yaml");
  });
});

describe("a template in S3", () => {
  const s3 = (): Record<string, string> => ({ AWS_ENDPOINT_URL_S3: base });

  // The SDK reads keys itself.
  beforeEach(() => {
    vi.stubEnv("AWS_ACCESS_KEY_ID", "AKIATEST");
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", "secret");
  });
  afterEach(() => vi.unstubAllEnvs());

  it.each(["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"])(
    "is loaded with a signed request from the endpoint in %s",
    async (name) => {
      answer = reply(200, TEXT);
      expect((await load("s3://bucket/some/key.yaml", { [name]: base })).body).toEqual(BODY);
      expect(seen[0]?.url).toMatch(/^\/bucket\/some\/key\.yaml/);
      expect(seen[0]?.headers.authorization).toContain("Credential=AKIATEST/");
    },
  );

  it.each([
    { status: 404, code: "NoSuchKey", want: "there is no such template (HTTP 404)", retryable: false },
    { status: 403, code: "AccessDenied", want: "access denied (HTTP 403)", retryable: false },
    { status: 500, code: "InternalError", want: "HTTP 500", retryable: true },
  ])("is an error at $code", async ({ status, code, want, retryable }) => {
    answer = reply(status, `<Error><Code>${code}</Code><Message>no</Message></Error>`);
    const failure = await failureOf(load("s3://bucket/key", s3()));
    expect((failure as Error).message).toBe(`cannot use job template "s3://bucket/key": ${want}`);
    expect(isRetryable(failure)).toBe(retryable);
  });

  it("must not be larger than 1 MiB", async () => {
    answer = reply(200, " ".repeat(1024 * 1024 + 1));
    const failure = await failureOf(load("s3://bucket/key", s3()));
    expect((failure as Error).message).toContain("it is larger than 1 MiB");
    expect(isRetryable(failure)).toBe(false);
  });

  it("times out", async () => {
    answer = () => {};
    const loading = loadWith("s3://bucket/key", { env: s3(), timeoutMs: 200 });
    await expect(loading).rejects.toThrow("no answer within 0.2 s");
  });

  it.each(["s3://bucket", "s3://bucket/", "s3:///key"])("needs a bucket and a key: %s", async (path) => {
    await expect(load(path, s3())).rejects.toThrow("it does not name an object");
  });
});

describe("a template in Google Cloud Storage", () => {
  const gcs = (): Record<string, string> => ({ STORAGE_EMULATOR_HOST: base });

  it.each(["gs", "gcs"])("is loaded from %s://", async (scheme) => {
    answer = reply(200, TEXT);
    expect((await load(`${scheme}://bucket/some/key.yaml`, gcs())).body).toEqual(BODY);
    expect(decodeURIComponent(seen[0]?.url ?? "")).toBe("/storage/v1/b/bucket/o/some/key.yaml?alt=media");
  });

  it.each(["", "/", "/storage/v1"])(
    "is loaded from an emulator whose address ends with '%s', without scheme",
    async (end) => {
      answer = reply(200, TEXT);
      const env = { STORAGE_EMULATOR_HOST: `${base.replace("http://", "")}${end}` };
      expect((await load("gs://bucket/key", env)).body).toEqual(BODY);
      expect(seen[0]?.url).toBe("/storage/v1/b/bucket/o/key?alt=media");
    },
  );

  it.each([
    { status: 404, want: "there is no such template (HTTP 404)" },
    { status: 403, want: "access denied (HTTP 403)" },
  ])("is an error at status $status", async ({ status, want }) => {
    answer = reply(status, JSON.stringify({ error: { code: status, message: "no" } }), {
      "content-type": "application/json",
    });
    await expect(load("gs://bucket/key", gcs())).rejects.toThrow(want);
  });

  it("must not be larger than 1 MiB", async () => {
    answer = reply(200, " ".repeat(1024 * 1024 + 1));
    const failure = await failureOf(load("gs://bucket/key", gcs()));
    expect((failure as Error).message).toContain("it is larger than 1 MiB");
    expect(isRetryable(failure)).toBe(false);
  });

  it("times out", async () => {
    answer = () => {};
    const loading = loadWith("gs://bucket/key", { env: gcs(), timeoutMs: 200 });
    await expect(loading).rejects.toThrow("no answer within 0.2 s");
  });

  it("needs a bucket and a key", async () => {
    await expect(load("gs://bucket/", gcs())).rejects.toThrow("it does not name an object");
  });
});
