// An image registry without images, on 127.0.0.1, where containerd takes plain HTTP: a repository's name is its answer, as in
// 127.0.0.1:5000/404/flow:1.

import { HttpServer } from "../../fakes/http-server.ts";
import type { WholeResponse } from "../../fakes/http-server.ts";

/** What registries answer of a manifest (distribution-spec, error codes). */
const CODES: Readonly<Record<string, string>> = {
  401: "UNAUTHORIZED",
  404: "MANIFEST_UNKNOWN",
  429: "TOOMANYREQUESTS",
  503: "UNAVAILABLE",
};

export interface FakeRegistry {
  /** `127.0.0.1:PORT`, the start of its images' names. */
  readonly host: string;
  close(): Promise<void>;
}

export async function startFakeRegistry(): Promise<FakeRegistry> {
  const server = new HttpServer(({ path }) => Promise.resolve(answerTo(path)), {
    host: "127.0.0.1",
    port: 0,
  });
  await server.open();
  return { host: `127.0.0.1:${server.port}`, close: () => server.close() };
}

function answerTo(path: string): WholeResponse {
  const status = /^\/v2\/(\d{3})\//.exec(path)?.[1] ?? "200";
  const errors = [{ code: CODES[status] ?? "UNKNOWN", message: "as the repository's name says" }];
  const body = JSON.stringify(status === "200" ? {} : { errors });
  return { status: Number(status), headers: { "content-type": "application/json" }, body };
}
