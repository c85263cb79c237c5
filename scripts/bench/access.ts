// Address and credentials of the cluster, as plain data that can be sent to other processes.

import { readFileSync } from "node:fs";
import { systemClock } from "../../src/base/clock.ts";
import { ExpectedError } from "../../src/base/errors.ts";
import { credentialsOf } from "../../src/kube/auth/credentials.ts";
import { chooseTarget } from "../../src/kube/auth/kubeconfig.ts";

export interface ClusterAccess {
  readonly server: string;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly tls: { readonly ca?: string; readonly cert?: string; readonly key?: string };
}

/** The access of the kubeconfig's current context. Throws ExpectedError if it names no cluster. */
export async function accessTo(kubeconfig: string): Promise<ClusterAccess> {
  const readFile = (path: string): string => readFileSync(path, "utf8");
  const dependencies = { env: {}, home: undefined, readFile, clock: systemClock };
  const target = chooseTarget({ kubeconfig }, { ...dependencies });
  if (target === undefined) throw new ExpectedError(`cannot read "${kubeconfig}": it names no cluster`);
  const credentials = await credentialsOf(target, dependencies);
  const tls = Object.entries(await credentials.tls()).filter(([, value]) => typeof value === "string");
  return { server: target.server, headers: await credentials.headers(), tls: Object.fromEntries(tls) };
}
