// How pods reach the Prefect stand-in in the test's process.

import { BlockList } from "node:net";
import { networkInterfaces } from "node:os";
import { startPrefectStandin } from "../../../src/standin/prefect/prefect-standin.ts";
import type { PrefectStandin, PrefectStandinOptions } from "../../../src/standin/prefect/prefect-standin.ts";
import { mustKubectl } from "./kubectl.ts";

/** A stand-in, and its address for the agent and the pods alike. */
export interface ReachablePrefect {
  readonly prefect: PrefectStandin;
  readonly api: string;
}

/** Starts a stand-in that pods can reach. Throws when no address of this machine is one of the nodes' network. */
export async function startReachablePrefect(options: PrefectStandinOptions = {}): Promise<ReachablePrefect> {
  const host = addressForPods();
  const prefect = await startPrefectStandin({ ...options, host: "0.0.0.0" });
  return { prefect, api: `http://${host}:${prefect.port}` };
}

/** E2E_HOST, else this machine's address in the network of a node: the bridge of a cluster that runs here. */
function addressForPods(): string {
  const told = process.env["E2E_HOST"];
  if (told) return told;
  const path = '{.items[*].status.addresses[?(@.type=="InternalIP")].address}';
  const nodes = mustKubectl(["get", "nodes", "-o", `jsonpath=${path}`]).split(" ");
  for (const local of Object.values(networkInterfaces()).flatMap((each) => each ?? [])) {
    if (local.family !== "IPv4" || local.internal) continue;
    const network = new BlockList();
    network.addSubnet(local.address, Number(local.cidr?.split("/")[1] ?? 32));
    if (nodes.some((node) => node !== "" && network.check(node))) return local.address;
  }
  throw new Error("no address of this machine is in the nodes' network: set E2E_HOST to one that pods can reach");
}
