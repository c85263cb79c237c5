// What commands know of the process: streams, environment, clock, files and connections.

import type { BaseContext } from "clipanion";
import type { Clock } from "../base/clock.ts";
import type { ReadFile } from "../base/env.ts";
import { Secrets } from "../base/secrets.ts";
import { cleanStream } from "../output/clean.ts";
import type { CompletedRequest } from "../kube/client/transport.ts";
import type { Connection } from "../kube/client/connect.ts";
import type { ConnectionFlags } from "../kube/auth/kubeconfig.ts";
import type { Prefect1Client } from "../prefect1/client.ts";
import type { PrefectConfig } from "../prefect1/config/load.ts";
import type { CompletedOperation } from "../prefect1/graphql.ts";

export interface CliContext extends BaseContext {
  readonly env: Record<string, string | undefined>;
  readonly clock: Clock;
  /** Aborts at the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  readonly home: string | undefined;
  /** The file's text; undefined if it does not exist. Throws any other error. */
  readonly readFile: ReadFile;
  /** Whether somebody can answer a question. */
  readonly isInteractive: boolean;
  /** The program that opens an address on this desktop, with its arguments; undefined: there is none. */
  readonly browser?: readonly string[] | undefined;
  /** Whatever is read of keys and passwords is added here: both streams replace it. */
  readonly secrets: Secrets;
  readonly connectKube: (
    flags: ConnectionFlags,
    onRequest?: (seen: CompletedRequest) => void,
  ) => Promise<Connection>;
  readonly connectPrefect: (
    config: PrefectConfig,
    options?: {
      /** Instead of the configured timeout. */
      readonly timeoutMs?: number;
      readonly onRequest?: (seen: CompletedOperation) => void;
    },
  ) => Promise<Prefect1Client>;
}

/** What a process, or a test, has. */
export interface ProcessParts extends Omit<
  CliContext,
  "secrets" | "connectKube" | "connectPrefect" | "colorDepth"
> {
  readonly userAgent: string;
}

/** The context of one command line. The clients are imported only when a command connects, so that --help stays fast. */
export function cliContext(parts: ProcessParts): CliContext {
  const secrets = new Secrets();
  const stderr = cleanStream(parts.stderr, secrets);
  const user = { isInteractive: parts.isInteractive, show: (text: string) => void stderr.write(text) };
  return {
    ...parts,
    secrets,
    stdout: cleanStream(parts.stdout, secrets),
    stderr,
    colorDepth: 1,
    connectKube: async (flags, onRequest) => {
      const { connectKube } = await import("../kube/client/connect.ts");
      return connectKube(flags, { ...parts, secrets, user, onRequest });
    },
    connectPrefect: async (config, options = {}) => {
      const { connectPrefect } = await import("../prefect1/connect.ts");
      const { timeoutMs = config.requestTimeoutSeconds * 1_000, onRequest } = options;
      const target = {
        url: config.apiUrl.value,
        backend: config.backend.value,
        apiKey: config.apiKey?.value,
        tenantId: config.tenantId?.value,
        timeoutMs,
      };
      return connectPrefect(target, { ...parts, secrets, onRequest });
    },
  };
}
