// launch: poll → claim → [template] → build → createJob. Loads a job template from the run config, the agent's files, HTTP,
// S3 or Google Cloud Storage.

import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import type https from "node:https";
import type { Env } from "../../base/env.ts";
import { ExpectedError, textOf } from "../../base/errors.ts";
import { decodeText } from "../../base/read-file.ts";
import { agentFor } from "../../http/agents.ts";
import { HttpClient } from "../../http/client.ts";
import { prefectConnection } from "../../http/environment.ts";
import type { EnvironmentDeps } from "../../http/environment.ts";
import { proxyFor } from "../../http/proxy.ts";
import { isObject, objectIn } from "../../base/json.ts";
import { defaultTemplate, parseTemplate, templateError, templateOf } from "./template.ts";
import type { PathSource, Template, TemplateOrigin, TemplateSource } from "./template.ts";

/** The variables also have the endpoints and keys of object stores. */
export interface TemplateDeps extends EnvironmentDeps {
  readonly signal?: AbortSignal | undefined;
  /** Timeout for the whole download; default: 15 s. */
  readonly timeoutMs?: number | undefined;
}

interface Fetch extends EnvironmentDeps {
  readonly origin: TemplateOrigin;
  readonly signal: AbortSignal;
}

const MAX_BYTES = 1024 * 1024;
const DEFAULT_TIMEOUT_MS = 15_000;
const MAX_REDIRECTS = 5;
const GET = {
  method: "GET",
  headers: { accept: "*/*" },
  timeoutMs: DEFAULT_TIMEOUT_MS,
  idleMs: DEFAULT_TIMEOUT_MS,
};
const LOCAL_FAILURES: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file where the agent runs",
  EACCES: "permission denied where the agent runs",
  EISDIR: "it is a directory",
};
/** A scheme has at least two letters: `C:\jobs\template.yaml` is a path. */
const WITH_SCHEME = /^([a-z][a-z0-9+.-]+):(?:\/\/([^/?#]*))?(.*)$/is;

/** Reads a template's text. Throws JobError for a run config's, SettingsError for the agent's; retryable for an outage. */
export type ReadTemplate = (source: PathSource) => Promise<string>;

/** Throws as ReadTemplate does, and for a text that is no job template. */
export function loadTemplate(source: TemplateSource, deps: TemplateDeps): Promise<Template> {
  return templateFrom(source, (path) => readTemplate(path, deps));
}

/** The template, with a way to read the text of paths. Throws like loadTemplate. */
export async function templateFrom(source: TemplateSource, read: ReadTemplate): Promise<Template> {
  if (source.kind === "default") return defaultTemplate();
  const { origin } = source;
  if (source.kind === "path") return parseTemplate(await read(source), origin);
  return typeof source.value === "string"
    ? parseTemplate(source.value, origin)
    : templateOf(source.value, origin);
}

/** Whether the template is fetched from a server. */
export function isAddress(path: string): boolean {
  return /^(?:https?|s3|gcs|gs):/i.test(path);
}

/** The text of a template at a path or an address. Throws like ReadTemplate. */
export async function readTemplate({ path, origin }: PathSource, deps: TemplateDeps): Promise<string> {
  const timeoutMs = deps.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const timeout = AbortSignal.timeout(timeoutMs);
  const signal = deps.signal === undefined ? timeout : AbortSignal.any([deps.signal, timeout]);
  try {
    return await fetchFrom(path, { ...deps, origin, signal });
  } catch (error) {
    if (error instanceof ExpectedError || deps.signal?.aborted === true) throw error;
    const cause = timeout.aborted ? `no answer within ${timeoutMs / 1_000} s` : textOf(error);
    throw templateError(origin, cause, { cause: error, retryable: true });
  }
}

async function fetchFrom(path: string, fetch: Fetch): Promise<string> {
  const [, scheme = "", authority = "", rest = ""] = WITH_SCHEME.exec(path) ?? [];
  switch (scheme.toLowerCase()) {
    case "":
      return readLocal(path, fetch);
    case "file":
    case "local":
    case "agent":
      if (authority === "" || authority === "localhost") return readLocal(rest, fetch);
      throw templateError(fetch.origin, `write ${scheme}:///path/to/template.yaml, with three slashes`);
    case "http":
    case "https":
      return readHttp(path, fetch);
    case "s3":
      return readS3(authority, rest.replace(/^\/+/, ""), fetch);
    case "gs":
    case "gcs":
      return readGcs(authority, rest.replace(/^\/+/, ""), fetch);
    default:
      throw templateError(fetch.origin, `unsupported scheme "${scheme}"`, {
        hint: "use a path of the agent's files, agent://, http(s)://, s3:// or gs://",
      });
  }
}

async function readLocal(path: string, { origin, signal }: Fetch): Promise<string> {
  try {
    // Opening a pipe without a writer blocks, and a device has no end.
    const found = await stat(path);
    if (!found.isFile() && !found.isDirectory()) throw templateError(origin, "it is not a regular file");
    return await readAtMost1MiB(createReadStream(path, { signal }) as AsyncIterable<Uint8Array>, origin);
  } catch (error) {
    const message = LOCAL_FAILURES[error instanceof Error && "code" in error ? String(error.code) : ""];
    const hint = "check the path";
    throw message === undefined ? error : templateError(origin, message, { cause: error, hint });
  }
}

async function readHttp(address: string, fetch: Fetch): Promise<string> {
  const { origin } = fetch;
  let url = urlOf(address, origin);
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const client = new HttpClient(url, prefectConnection(url, fetch));
    try {
      const answer = await client.stream({ ...GET, url, signal: fetch.signal });
      if (answer.status >= 200 && answer.status < 300) return await readAtMost1MiB(answer.chunks, origin);
      const { location } = answer.headers;
      const isRedirect = [301, 302, 303, 307, 308].includes(answer.status) && location !== undefined;
      if (!isRedirect) throw statusError(answer.status, origin);
      url = urlOf(location, origin, url);
    } finally {
      client.close();
    }
  }
  throw templateError(origin, `it redirects more than ${MAX_REDIRECTS} times`);
}

function urlOf(address: string, origin: TemplateOrigin, base?: URL): URL {
  const url = URL.parse(address, base);
  if (url === null) throw templateError(origin, "it is not a URL");
  if (base?.protocol === "https:" && url.protocol === "http:")
    throw templateError(origin, "it redirects from https to http, which is not followed");
  if (url.protocol === "http:" || url.protocol === "https:") return url;
  throw templateError(origin, `it redirects to ${url.protocol}, only http and https are followed`);
}

async function readS3(bucket: string, key: string, { env, origin, signal }: Fetch): Promise<string> {
  checkObjectName(bucket, key, origin);
  const { GetObjectCommand, S3Client } = await import("@aws-sdk/client-s3");
  const endpoint = env["AWS_ENDPOINT_URL_S3"] || env["AWS_ENDPOINT_URL"] || undefined;
  const region = env["AWS_REGION"] || env["AWS_DEFAULT_REGION"] || "us-east-1";
  const proxy = proxyFor(
    new URL(endpoint ?? `https://${bucket}.s3.${region}.amazonaws.com`),
    env,
    "requests",
  );
  const client = new S3Client({
    // S3 redirects to the bucket's region; other stores ignore the region.
    region,
    followRegionRedirects: true,
    maxAttempts: 2,
    // Stores other than S3 have no host name per bucket.
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
    requestHandler: {
      httpAgent: agentFor("http:", {}, proxy),
      httpsAgent: agentFor("https:", {}, proxy) as https.Agent,
    },
  });
  try {
    const object = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }), {
      abortSignal: signal,
    });
    return await readAtMost1MiB(object.Body as AsyncIterable<Uint8Array> | undefined, origin);
  } catch (error) {
    throw storeError(error, origin);
  } finally {
    client.destroy();
  }
}

async function readGcs(bucket: string, key: string, { env, origin, signal }: Fetch): Promise<string> {
  checkObjectName(bucket, key, origin);
  const { Storage } = await import("@google-cloud/storage");
  const emulator = emulatorOf(env);
  const storage = new Storage({
    ...(emulator === undefined ? {} : { apiEndpoint: emulator }),
    retryOptions: { maxRetries: 1, totalTimeout: DEFAULT_TIMEOUT_MS / 1_000 },
  });
  // The library calls an emulator at its root, but emulators expect Google's path.
  if (emulator !== undefined) storage.baseUrl = `${emulator}/storage/v1`;
  const stream = storage.bucket(bucket).file(key).createReadStream({ validation: false });
  const abort = (): void => void stream.destroy(new Error("aborted"));
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await readAtMost1MiB(stream as AsyncIterable<Uint8Array>, origin);
  } catch (error) {
    throw storeError(error, origin);
  } finally {
    signal.removeEventListener("abort", abort);
    stream.destroy();
  }
}

/** The URL in STORAGE_EMULATOR_HOST, which can lack a scheme and end with a path. */
function emulatorOf(env: Env): string | undefined {
  const host = env["STORAGE_EMULATOR_HOST"]?.replace(/\/+$/, "").replace(/\/storage\/v1$/, "");
  if (host === undefined || host === "") return undefined;
  return /^https?:\/\//.test(host) ? host : `http://${host}`;
}

function checkObjectName(bucket: string, key: string, origin: TemplateOrigin): void {
  if (bucket !== "" && key !== "") return;
  throw templateError(origin, "it does not name an object", {
    hint: "write it as s3://bucket/path/to/template.yaml",
  });
}

/** Stops reading after 1 MiB: a longer text is not a job template. */
async function readAtMost1MiB(
  chunks: AsyncIterable<Uint8Array> | undefined,
  origin: TemplateOrigin,
): Promise<string> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunks ?? []) {
    size += chunk.length;
    if (size > MAX_BYTES) throw templateError(origin, "it is larger than 1 MiB");
    parts.push(chunk);
  }
  return decodeText(Buffer.concat(parts));
}

/** Translates an HTTP status in an SDK's error; other errors are returned unchanged. */
function storeError(error: unknown, origin: TemplateOrigin): unknown {
  const status = error instanceof ExpectedError ? undefined : statusOf(error);
  return status === undefined ? error : statusError(status, origin);
}

/** The HTTP status: the AWS SDK has it in `$metadata`, Google's in `code`. */
function statusOf(error: unknown): number | undefined {
  if (!isObject(error)) return undefined;
  const status = objectIn(error["$metadata"])["httpStatusCode"] ?? error["code"];
  // Other errors have small numbers as their code.
  return typeof status === "number" && status >= 300 ? status : undefined;
}

function statusError(status: number, origin: TemplateOrigin): ExpectedError {
  if (status === 404)
    return templateError(origin, "there is no such template (HTTP 404)", { hint: "check the address" });
  if (status === 401 || status === 403) {
    return templateError(origin, `access denied (HTTP ${status})`, {
      hint: "give the agent credentials with permission to read it",
    });
  }
  return templateError(origin, `HTTP ${status}`, { retryable: status >= 500 || status === 429 });
}
