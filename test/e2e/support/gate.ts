// A server that flows in pods poll: they run until the test opens the gate of their run.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface Gate {
  /** Its address for pods; `URL/RUN` answers `open` or `shut`. */
  readonly url: string;
  open(flowRunId: string): void;
  close(): Promise<void>;
}

/** Starts a gate that is shut for every run. `host`: this machine's address for pods. */
export async function startGate(host: string): Promise<Gate> {
  const opened = new Set<string>();
  const server = createServer((request, response) => {
    response.end(opened.has(request.url?.slice(1) ?? "") ? "open" : "shut");
  });
  await new Promise<void>((resolve) => server.listen(0, "0.0.0.0", resolve));
  return {
    url: `http://${host}:${(server.address() as AddressInfo).port}`,
    open: (flowRunId) => void opened.add(flowRunId),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
