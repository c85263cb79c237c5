// An image registry without images, on 127.0.0.1, where containerd takes plain HTTP: a repository's name is its answer, as in
// 127.0.0.1:5000/404/flow:1.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

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
  const server = createServer((request, response) => {
    const status = /^\/v2\/(\d{3})\//.exec(request.url ?? "")?.[1] ?? "200";
    response.writeHead(Number(status), { "content-type": "application/json" });
    const errors = [{ code: CODES[status] ?? "UNKNOWN", message: "as the repository's name says" }];
    response.end(JSON.stringify(status === "200" ? {} : { errors }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
