// A server that flows in pods poll: they run until the test opens the gate of their run.

import { HttpServer } from "../../fakes/http-server.ts";

export interface Gate {
  /** Its address for pods; `URL/RUN` answers `open` or `shut`. */
  readonly url: string;
  open(flowRunId: string): void;
  close(): Promise<void>;
}

/** Starts a gate that is shut for every run. `host`: this machine's address for pods. */
export async function startGate(host: string): Promise<Gate> {
  const opened = new Set<string>();
  const answer = (path: string) => ({
    status: 200,
    headers: {},
    body: opened.has(path.slice(1)) ? "open" : "shut",
  });
  const server = new HttpServer(({ path }) => Promise.resolve(answer(path)), { host: "0.0.0.0", port: 0 });
  await server.open();
  return {
    url: `http://${host}:${server.port}`,
    open: (flowRunId) => void opened.add(flowRunId),
    close: () => server.close(),
  };
}
