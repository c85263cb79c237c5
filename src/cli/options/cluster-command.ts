// The options of commands that speak to a cluster, spelled as kubectl spells them.

import { Option } from "clipanion";
import { parseDuration } from "../../base/duration.ts";
import type { ConnectionFlags } from "../../kube/auth/kubeconfig.ts";
import { PrefectCommand } from "./prefect-command.ts";

/** Commands that speak to a cluster, and to Prefect. */
export abstract class ClusterCommand extends PrefectCommand {
  kubeconfig = Option.String("--kubeconfig", { description: "kubeconfig file to use" });
  kubeContext = Option.String("--context", { description: "kubeconfig context to use" });
  cluster = Option.String("--cluster", { description: "kubeconfig cluster to use" });
  user = Option.String("--user", { description: "kubeconfig user to use" });
  namespace = Option.String("-n,--namespace", { description: "namespace; else the context's" });
  server = Option.String("-s,--server", { description: "address of the Kubernetes API server" });
  as = Option.String("--as", { description: "user to act as" });
  asGroup = Option.Array("--as-group", { description: "group to act as, may be repeated" });
  asUid = Option.String("--as-uid", { description: "uid to act as" });
  certificateAuthority = Option.String("--certificate-authority", {
    description: "file of the cluster's CA",
  });
  tlsServerName = Option.String("--tls-server-name", {
    description: "name to expect in the server's certificate",
  });
  insecureSkipTlsVerify = Option.Boolean("--insecure-skip-tls-verify", {
    description: "do not check the server's certificate",
  });
  requestTimeout = Option.String("--request-timeout", {
    description: "how long to wait for an answer, such as 30s",
  });

  /** The connection flags that were given. */
  protected connectionFlags(): ConnectionFlags {
    const timeout = this.requestTimeout;
    return {
      kubeconfig: this.kubeconfig,
      context: this.kubeContext,
      cluster: this.cluster,
      user: this.user,
      server: this.server,
      certificateAuthority: this.certificateAuthority,
      tlsServerName: this.tlsServerName,
      insecureSkipTlsVerify: this.insecureSkipTlsVerify,
      as: this.as,
      asGroups: this.asGroup,
      asUid: this.asUid,
      requestTimeoutMs:
        timeout === undefined || timeout === "0" ? undefined : parseDuration(timeout, "--request-timeout"),
    };
  }
}
