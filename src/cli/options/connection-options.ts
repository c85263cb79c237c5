// kubectl's options for the connection to a cluster, under the names of ConnectionFlags.

import { list, text, toggle } from "../../agent/option-row.ts";
import type { OptionTable } from "../../agent/option-row.ts";

export const CONNECTION_OPTIONS = {
  context: text("--context", "kubeconfig context to use"),
  kubeconfig: text("--kubeconfig", "path to the kubeconfig file"),
  cluster: text("--cluster", "kubeconfig cluster to use"),
  user: text("--user", "kubeconfig user to use"),
  server: text("--server", "URL of the Kubernetes API server", { short: "-s" }),
  as: text("--as", "user to impersonate"),
  asGroups: list("--as-group", "group to impersonate; may be repeated"),
  asUid: text("--as-uid", "UID to impersonate"),
  certificateAuthority: text("--certificate-authority", "file with the CA certificate of the API server"),
  tlsServerName: text("--tls-server-name", "server name to verify in the API server's certificate"),
  insecureSkipTlsVerify: toggle(
    "--insecure-skip-tls-verify",
    "do not verify the API server's certificate (insecure)",
  ),
} satisfies OptionTable;
