// The fake Prefect in the test's process, at an address that pods can reach.

import { BlockList, createServer } from "node:net";
import { networkInterfaces } from "node:os";
import { startFakePrefect1 } from "../../fakes/prefect1/fake-prefect1.ts";
import type { FakePrefect1, FakePrefect1Options } from "../../fakes/prefect1/fake-prefect1.ts";
import { mustKubectl } from "./kubectl.ts";

/** A fake Prefect, and its address for the agent and for pods. */
export interface ReachablePrefect {
  readonly prefect: FakePrefect1;
  readonly api: string;
}

/** Starts a fake that pods can reach. Throws if no address of this machine is in a node's network. */
export async function startReachablePrefect(options: FakePrefect1Options = {}): Promise<ReachablePrefect> {
  const host = await addressForPods();
  const prefect = await startFakePrefect1({ ...options, host: "0.0.0.0" });
  return { prefect, api: `http://${host}:${prefect.port}` };
}

/** E2E_HOST, else the address of a node that is this machine, else this machine's address in a node's network. */
export async function addressForPods(): Promise<string> {
  const configured = process.env["E2E_HOST"];
  if (configured) return configured;
  const nodes = nodeAddresses();
  // Tried by binding: networkInterfaces() omits a bridge without pods.
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

/** Whether every node is this machine, so that images can come from 127.0.0.1. */
export async function areNodesHere(): Promise<boolean> {
  const ours = await Promise.all(nodeAddresses().map(isOurs));
  return ours.length > 0 && !ours.includes(false);
}

function nodeAddresses(): readonly string[] {
  const path = '{.items[*].status.addresses[?(@.type=="InternalIP")].address}';
  const addresses = mustKubectl(["get", "nodes", "-o", `jsonpath=${path}`]).split(" ");
  return addresses.filter((address) => address !== "");
}

function isOurs(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(0, address, () => server.close(() => resolve(true)));
  });
}
