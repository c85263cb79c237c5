// Address and credentials of the cluster to measure on, as plain data: they go to other processes too.

import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { systemClock } from "../../src/base/clock.ts";
import { ExpectedError } from "../../src/base/errors.ts";
import { credentialsOf } from "../../src/kube/auth/credentials.ts";
import { chooseTarget } from "../../src/kube/auth/kubeconfig.ts";

export interface ClusterAccess {
  readonly server: string;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly tls: { readonly ca?: string; readonly cert?: string; readonly key?: string };
}

/** What the kubeconfig's current context says. Throws ExpectedError when it has none. */
export async function accessTo(kubeconfig: string): Promise<ClusterAccess> {
  const readFile = (path: string): string => readFileSync(path, "utf8");
  const world = { env: {}, home: undefined, readFile, clock: systemClock };
  const target = chooseTarget({ kubeconfig }, { ...world, parseYaml: (text) => parse(text) as unknown });
  if (target === undefined) throw new ExpectedError(`cannot read "${kubeconfig}": it names no cluster`);
  const credentials = await credentialsOf(target, world);
  const given = Object.entries(await credentials.tls()).filter(([, value]) => typeof value === "string");
  return { server: target.server, headers: await credentials.headers(), tls: Object.fromEntries(given) };
}
