// An agent whose exec plugin gives it client certificates that soon expire: it never asks the API server with an expired one.

import { readFileSync } from "node:fs";
import { setTimeout as later } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/base/json.ts";
import { auditedCalls, auditPosition, refusedCalls } from "./support/audit-log.ts";
import { currentCluster, KubeconfigFolder } from "./support/kubeconfig.ts";
import { TestSetup } from "./support/test-setup.ts";

const USER = "prefect-of-minutes";
const ca = process.env["E2E_CA"];
const absent =
  ca === undefined ? "E2E_CA does not name a folder with the cluster's ca.crt and ca.key" : undefined;
if (absent !== undefined)
  process.stderr.write(`skipped, client certificates that expire in minutes: ${absent}\n`);

let setup: TestSetup;
let folder: KubeconfigFolder;

/** A plugin that signs with the cluster's CA what is valid from now on for so many seconds. */
function signingUser(lifeSeconds: number): JsonObject {
  folder.file("index", "");
  folder.file(
    "ca.cnf",
    `[ca]
default_ca = test
[test]
database = index
new_certs_dir = .
certificate = ${ca}/ca.crt
private_key = ${ca}/ca.key
default_md = sha256
unique_subject = no
rand_serial = yes
policy = names
[names]
organizationName = supplied
commonName = supplied
`,
  );
  const script = `#!/bin/sh
set -e
cd "$(dirname "$0")"
begin=$(date +%s)
end=$((begin + ${lifeSeconds}))
at() { date -u -d "@$1" "+$2"; }
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key -out csr -subj /O=system:masters/CN=${USER} 2>/dev/null
openssl ca -batch -notext -config ca.cnf -in csr -out cert -startdate "$(at $begin %Y%m%d%H%M%SZ)" -enddate "$(at $end %Y%m%d%H%M%SZ)" 2>/dev/null
line() { awk '{ printf "%s\\\\n", $0 }' "$1"; }
cat <<END
{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{
"expirationTimestamp":"$(at $end %Y-%m-%dT%H:%M:%SZ)",
"clientCertificateData":"$(line cert)",
"clientKeyData":"$(line key)"}}
END
`;
  folder.file("sign", script, 0o700);
  const apiVersion = "client.authentication.k8s.io/v1";
  return { exec: { apiVersion, command: "./sign", interactiveMode: "Never" } };
}

describe.skipIf(absent !== undefined)("an agent with client certificates", () => {
  beforeAll(async () => {
    setup = await TestSetup.open("certificates");
    folder = new KubeconfigFolder();
  });

  afterAll(async () => {
    folder?.remove();
    await setup?.close();
  });

  it.each([
    { lifeSeconds: 10, runs: 6 },
    { lifeSeconds: 60, runs: 10 },
  ])(
    "that live for $lifeSeconds s is never refused, during $runs of their lives",
    { timeout: 1_200_000 },
    async ({ lifeSeconds, runs }) => {
      const { prefect } = setup;
      const since = auditPosition();
      const KUBECONFIG = folder.kubeconfig("config", {
        cluster: currentCluster(),
        user: signingUser(lifeSeconds),
      });
      const agent = await setup.startAgent([], { KUBECONFIG });
      const ids: string[] = [];
      for (let run = 0; run < runs; run++) {
        ids.push(setup.due());
        // Time is what this is about.
        await later(lifeSeconds * 1_000);
      }
      const states = (): unknown[] => ids.map((id) => prefect.stateOf(id));
      const areDone = (): boolean => states().every((state) => state === "Success" || state === "Failed");
      await prefect.until(areDone, { what: "all runs' end", timeoutMs: 60_000 });
      const { code, stdout } = await agent.stop();
      expect(states()).toEqual(ids.map(() => "Success"));
      expect(code).toBe(0);
      expect(stdout.split("\n").filter((line) => /WARNING|ERROR/.test(line))).toEqual([]);
      const issued = readFileSync(`${folder.path}/index`, "utf8").trim().split("\n");
      expect(issued.length).toBeGreaterThan(1);
      if (since === undefined) return;
      const calls = await auditedCalls(USER, since);
      const created = calls.filter(({ verb, resource }) => verb === "create" && resource === "jobs");
      expect(created.map(({ code: answer }) => answer)).toEqual(ids.map(() => 201));
      expect(await refusedCalls(since)).toEqual([]);
    },
  );
});
