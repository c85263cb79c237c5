// How pods reach the Prefect fake in the test's process.

import { BlockList, createServer } from "node:net";
import { networkInterfaces } from "node:os";
import { startFakePrefect1 } from "../../fakes/prefect1/fake-prefect1.ts";
import type { FakePrefect1, FakePrefect1Options } from "../../fakes/prefect1/fake-prefect1.ts";
import { mustKubectl } from "./kubectl.ts";

/** A fake, and its address for the agent and the pods alike. */
export interface ReachablePrefect {
  readonly prefect: FakePrefect1;
  readonly api: string;
}

/** Starts a fake that pods can reach. Throws when no address of this machine is one of the nodes' network. */
export async function startReachablePrefect(options: FakePrefect1Options = {}): Promise<ReachablePrefect> {
  const host = await addressForPods();
  const prefect = await startFakePrefect1({ ...options, host: "0.0.0.0" });
  return { prefect, api: `http://${host}:${prefect.port}` };
}

/** E2E_HOST, else a node's address where the node is this machine, else this machine's in the network of a node. */
async function addressForPods(): Promise<string> {
  const told = process.env["E2E_HOST"];
  if (told) return told;
  const path = '{.items[*].status.addresses[?(@.type=="InternalIP")].address}';
  const nodes = mustKubectl(["get", "nodes", "-o", `jsonpath=${path}`])
    .split(" ")
    .filter((node) => node !== "");
  // Asked by binding: the list of interfaces leaves out a bridge to which no pod is attached.
  for (const node of nodes) if (await isOurs(node)) return node;
  for (const local of Object.values(networkInterfaces()).flatMap((each) => each ?? [])) {
    if (local.family !== "IPv4" || local.internal) continue;
    const network = new BlockList();
    network.addSubnet(local.address, Number(local.cidr?.split("/")[1] ?? 32));
    if (nodes.some((node) => network.check(node))) return local.address;
  }
  throw new Error(
    "no address of this machine is in the nodes' network: set E2E_HOST to one that pods can reach",
  );
}

function isOurs(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(0, address, () => server.close(() => resolve(true)));
  });
}
