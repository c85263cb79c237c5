// The process as the commands see it; the only place, beside main.ts, that knows Node's own.

import type { BaseContext } from "clipanion";
import type { Clock } from "../base/clock.ts";
import type { Env } from "../base/env.ts";
import type { SeenRequest } from "../kube/client/transport.ts";
import type { Connection } from "../kube/client/connect.ts";
import type { ConnectionFlags } from "../kube/auth/kubeconfig.ts";
import type { Prefect1Client } from "../prefect1/client.ts";
import type { SeenOperation } from "../prefect1/graphql.ts";

export interface PrefectTarget {
  readonly url: string;
  readonly backend: string;
  readonly apiKey?: string | undefined;
  readonly tenantId?: string | undefined;
  readonly timeoutMs: number;
}

export interface CliContext extends BaseContext {
  readonly env: Record<string, string | undefined>;
  readonly clock: Clock;
  /** Aborts at the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  readonly home: string | undefined;
  readonly hostname: string;
  readonly pid: number;
  /** The file's text, or undefined when there is none. Throws what else is wrong with it. */
  readonly readFile: (path: string) => string | undefined;
  /** Whether a process of this number runs here. */
  readonly isRunning: (pid: number) => boolean;
  readonly connectKube: (
    flags: ConnectionFlags,
    onRequest?: (seen: SeenRequest) => void,
  ) => Promise<Connection>;
  readonly connectPrefect: (
    target: PrefectTarget,
    onRequest?: (seen: SeenOperation) => void,
  ) => Promise<Prefect1Client>;
}

/** How the adapters are reached: loaded only when a command connects, so that --help costs nothing. */
export function connectors(
  world: Pick<CliContext, "clock" | "home" | "readFile"> & { readonly env: Env; readonly userAgent: string },
): Pick<CliContext, "connectKube" | "connectPrefect"> {
  return {
    connectKube: async (flags, onRequest) => {
      const { connectKube } = await import("../kube/client/connect.ts");
      return connectKube(flags, { ...world, onRequest });
    },
    connectPrefect: async (target, onRequest) => {
      const { connectPrefect } = await import("../prefect1/connect.ts");
      return connectPrefect(target, { env: world.env, onRequest });
    },
  };
}
