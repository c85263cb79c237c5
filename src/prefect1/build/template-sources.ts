// launch: poll → claim → [template] → build → createJob. Loads a job template from the run config, the agent's files, HTTP,
// S3 or Google Cloud Storage.

import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import type https from "node:https";
import { addAbortSignal } from "node:stream";
import { setDefaultCACertificates } from "node:tls";
import { MAX_TIMER_MS } from "../../base/clock.ts";
import { ExpectedError, SettingsError, textOf } from "../../base/errors.ts";
import { decodeText } from "../../base/read-file.ts";
import { agentFor } from "../../http/agents.ts";
import { HttpClient } from "../../http/client.ts";
import { certificatesIn, prefectConnection, type EnvironmentDeps } from "../../http/environment.ts";
import { transportError } from "../../http/errors.ts";
import type { Proxy } from "../../http/proxy.ts";
import { objectIn } from "../../base/json.ts";
import type { FlowRun } from "../flow-run.ts";
import {
  agentTemplateSource,
  DEFAULT_TEMPLATE,
  parseTemplate,
  templateError,
  templateInRun,
  type ReadTemplate,
  type Template,
  type TemplateSource,
} from "./template.ts";

/** The variables also have the endpoints and keys of object stores. */
export interface TemplateDeps extends EnvironmentDeps {
  readonly signal?: AbortSignal | undefined;
  /** Timeout for the whole download; default: 15 s. */
  readonly timeoutMs?: number | undefined;
}

/** What is read, and until when. The address is taken apart: `s3://bucket/key`. */
interface Fetch extends EnvironmentDeps {
  readonly address: string;
  readonly authority: string;
  readonly path: string;
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
/** All throw an ExpectedError for what is wrong with the address or its answer; other errors pass by themselves. */
const READERS: Readonly<Record<string, (fetch: Fetch) => Promise<string>>> = {
  file: readLocal,
  local: readLocal,
  agent: readLocal,
  http: readHttp,
  https: readHttp,
  s3: readS3,
  gs: readGcs,
  gcs: readGcs,
};

/** The run config's template; undefined: it has none. Throws as ReadTemplate does, also for a text that is no template. */
export async function runTemplate(
  flowRun: Pick<FlowRun, "id" | "run_config">,
  read: ReadTemplate,
): Promise<Template | undefined> {
  const found = templateInRun(flowRun);
  return found && "path" in found ? parseTemplate(await read(found), found.origin) : found;
}

/** The template of the agent's `--job-template`, or the default one. Throws as runTemplate does. */
export async function agentTemplate(path: string | undefined, read: ReadTemplate): Promise<Template> {
  if (path === undefined) return DEFAULT_TEMPLATE;
  const source = agentTemplateSource(path);
  return parseTemplate(await read(source), source.origin);
}

/** The text of a template at a path or an address. Throws like ReadTemplate. */
export async function readTemplate(source: TemplateSource, deps: TemplateDeps): Promise<string> {
  const timeoutMs = deps.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const timeout = AbortSignal.timeout(Math.min(timeoutMs, MAX_TIMER_MS));
  const signal = deps.signal === undefined ? timeout : AbortSignal.any([deps.signal, timeout]);
  const { path: address, origin } = source;
  deps.secrets?.addUrl(address);
  const [, scheme = "file", authority = "", path = address] = WITH_SCHEME.exec(address) ?? [];
  const read = READERS[scheme.toLowerCase()];
  if (read === undefined) {
    throw templateError(origin, `unsupported scheme "${scheme}"`, {
      hint: "use a path of the agent's files, agent://, http(s)://, s3:// or gs://",
    });
  }
  try {
    return await read({ ...deps, address, authority, path, signal });
  } catch (error) {
    // A proxy or a file of authorities that cannot be used is the agent's fault, not the template's.
    if (deps.signal?.aborted === true || error instanceof SettingsError) throw error;
    const { hint, retryable } = error instanceof ExpectedError ? error : { hint: undefined, retryable: true };
    const cause = timeout.aborted ? `no answer within ${timeoutMs / 1_000} s` : textOf(error);
    throw templateError(origin, cause, { cause: error, hint, retryable });
  }
}

async function readLocal({ address, authority, path, signal }: Fetch): Promise<string> {
  if (authority !== "" && authority !== "localhost") {
    const scheme = address.replace(/:.*/s, "");
    throw new ExpectedError(`write ${scheme}:///path/to/template.yaml, with three slashes`);
  }
  try {
    // Opening a pipe without a writer blocks, and a device has no end.
    const found = await stat(path);
    if (!found.isFile() && !found.isDirectory()) throw new ExpectedError("it is not a regular file");
    return await readAtMost1MiB(createReadStream(path, { signal }) as AsyncIterable<Uint8Array>);
  } catch (error) {
    const message = LOCAL_FAILURES[String(objectIn(error)["code"])];
    if (message === undefined) throw error;
    throw new ExpectedError(message, { cause: error, hint: "check the path" });
  }
}

async function readHttp({ address, ...fetch }: Fetch): Promise<string> {
  let url = urlOf(address);
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const client = new HttpClient(url, prefectConnection(url, fetch));
    try {
      const answer = await client.stream({ ...GET, url, signal: fetch.signal });
      if (answer.status >= 200 && answer.status < 300) return await readAtMost1MiB(answer.chunks);
      const { location } = answer.headers;
      const isRedirect = [301, 302, 303, 307, 308].includes(answer.status) && location !== undefined;
      if (!isRedirect) throw statusError(answer.status);
      url = urlOf(location, url);
    } finally {
      client.close();
    }
  }
  throw new ExpectedError(`it redirects more than ${MAX_REDIRECTS} times`);
}

function urlOf(address: string, base?: URL): URL {
  const url = URL.parse(address, base);
  if (url === null) throw new ExpectedError("it is not a URL");
  if (base?.protocol === "https:" && url.protocol === "http:")
    throw new ExpectedError("it redirects from https to http, which is not followed");
  if (url.protocol === "http:" || url.protocol === "https:") return url;
  throw new ExpectedError(`it redirects to ${url.protocol}, only http and https are followed`);
}

async function readS3(fetch: Fetch): Promise<string> {
  const { bucket, key } = objectAt(fetch);
  const { env, signal } = fetch;
  const { GetObjectCommand, S3Client } = await import("@aws-sdk/client-s3");
  const endpoint = env["AWS_ENDPOINT_URL_S3"] || env["AWS_ENDPOINT_URL"] || undefined;
  const region = env["AWS_REGION"] || env["AWS_DEFAULT_REGION"] || "us-east-1";
  const server = new URL(endpoint ?? `https://${bucket}.s3.${region}.amazonaws.com`);
  const { proxy, tls } = prefectConnection(server, fetch);
  const authorities = tls && {
    ca: [...tls.ca, ...certificatesIn(env["AWS_CA_BUNDLE"] ?? "", "AWS_CA_BUNDLE", fetch)],
  };
  const client = new S3Client({
    // S3 redirects to the bucket's region; other stores ignore the region.
    region,
    followRegionRedirects: true,
    maxAttempts: 2,
    // Stores other than S3 have no host name per bucket.
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
    requestHandler: {
      httpAgent: agentFor("http:", {}, proxy),
      httpsAgent: agentFor("https:", { ...authorities }, proxy) as https.Agent,
    },
  });
  try {
    const command = new GetObjectCommand({ Bucket: bucket, Key: key });
    const object = await client.send(command, { abortSignal: signal });
    return await readAtMost1MiB(object.Body as AsyncIterable<Uint8Array> | undefined);
  } catch (error) {
    throw storeError(error, proxy);
  } finally {
    client.destroy();
  }
}

async function readGcs(fetch: Fetch): Promise<string> {
  const { bucket, key } = objectAt(fetch);
  const { env, signal } = fetch;
  const { Storage } = await import("@google-cloud/storage");
  // It can lack a scheme and end with a path.
  const host = (env["STORAGE_EMULATOR_HOST"] ?? "").replace(/\/+$/, "").replace(/\/storage\/v1$/, "");
  const emulator = host === "" || /^https?:\/\//.test(host) ? host : `http://${host}`;
  const { tls } = prefectConnection(new URL(emulator || "https://storage.googleapis.com"), fetch);
  // The library has no option for authorities.
  if (tls !== undefined) setDefaultCACertificates(tls.ca);
  const storage = new Storage({
    ...(emulator === "" ? {} : { apiEndpoint: emulator }),
    retryOptions: { maxRetries: 1, totalTimeout: DEFAULT_TIMEOUT_MS / 1_000 },
  });
  // The library calls an emulator at its root, but emulators expect Google's path.
  if (emulator !== "") storage.baseUrl = `${emulator}/storage/v1`;
  const stream = storage.bucket(bucket).file(key).createReadStream({ validation: false });
  addAbortSignal(signal, stream);
  try {
    return await readAtMost1MiB(stream as AsyncIterable<Uint8Array>);
  } catch (error) {
    throw storeError(error);
  } finally {
    stream.destroy();
  }
}

function objectAt({ authority, path }: Fetch): { readonly bucket: string; readonly key: string } {
  const key = path.replace(/^\/+/, "");
  if (authority !== "" && key !== "") return { bucket: authority, key };
  throw new ExpectedError("it does not name an object", {
    hint: "write it as s3://bucket/path/to/template.yaml",
  });
}

/** Stops reading after 1 MiB: a longer text is not a job template. */
async function readAtMost1MiB(chunks: AsyncIterable<Uint8Array> | undefined): Promise<string> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunks ?? []) {
    size += chunk.length;
    if (size > MAX_BYTES) throw new ExpectedError("it is larger than 1 MiB");
    parts.push(chunk);
  }
  return decodeText(Buffer.concat(parts));
}

/** An SDK's error by its HTTP status, which the AWS SDK has in `$metadata`, Google's in `code`; else as one of the connection. */
function storeError(error: unknown, proxy?: Proxy): unknown {
  if (error instanceof ExpectedError) return error;
  const { $metadata: metadata, code } = objectIn(error);
  const status = objectIn(metadata)["httpStatusCode"] ?? code;
  // Other errors have small numbers as their code.
  return typeof status === "number" && status >= 300 ? statusError(status) : transportError(error, proxy);
}

function statusError(status: number): ExpectedError {
  if (status === 404)
    return new ExpectedError("there is no such template (HTTP 404)", { hint: "check the address" });
  if (status === 401 || status === 403) {
    return new ExpectedError(`access denied (HTTP ${status})`, {
      hint: "give the agent credentials with permission to read it",
    });
  }
  return new ExpectedError(`HTTP ${status}`, { retryable: status >= 500 || status === 429 });
}
