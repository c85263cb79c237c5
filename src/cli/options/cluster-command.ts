// What all commands share: the flags that kubectl has, Prefect's address and key, and how a command ends.

import { Command, Option } from "clipanion";
import { parseDuration } from "../../base/duration.ts";
import type { ConnectionFlags } from "../../kube/auth/kubeconfig.ts";
import type { PrefectConfig } from "../../prefect1/config/load.ts";
import type { CliContext } from "../context.ts";
import { report } from "../errors.ts";

/** Every command: verbosity and colour. */
export abstract class PrefectCommand extends Command<CliContext> {
  verbose = Option.Boolean("-v,--verbose", false, { description: "say more, and why an error happened" });
  color = Option.String("--color", "auto", {
    description: "when to colour (default auto: on a terminal, unless NO_COLOR is set)",
  });

  /** clipanion would print errors on stdout, and a caught one would count as success. */
  override async validateAndExecute(): Promise<number> {
    try {
      return await super.validateAndExecute();
    } catch (error) {
      return report(error, this.context, this.verbose);
    }
  }

  /** A line for people, on stderr. */
  protected tell(line: string): void {
    this.context.stderr.write(`${line}\n`);
  }

  /** Data, on stdout. */
  protected print(text: string): void {
    this.context.stdout.write(text);
  }
}

/** Commands that speak to Prefect. */
export abstract class PrefectApiCommand extends PrefectCommand {
  api = Option.String("-a,--api", { description: "address of the Prefect API" });
  key = Option.String("-k,--key", { description: "Prefect API key" });
  token = Option.String("-t,--token", { hidden: true });
  tenantId = Option.String("--tenant-id", { description: "Prefect tenant, where the API knows several" });
  backend = Option.String("-b,--backend", {
    description: "Prefect Cloud, or a server of your own (default cloud)",
  });

  /** Prefect's own configuration under these flags. Throws SettingsError for a value that cannot be meant. */
  protected async prefectConfig(): Promise<PrefectConfig> {
    const { loadPrefectConfig } = await import("../../prefect1/config/load.ts");
    const { env, readFile } = this.context;
    const key = this.key ?? this.token;
    const flags = { api: this.api, key, tenantId: this.tenantId, backend: this.backend };
    return loadPrefectConfig({ env, readFile, flags });
  }
}

/** Commands that speak to a cluster, and to Prefect. */
export abstract class ClusterCommand extends PrefectApiCommand {
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
