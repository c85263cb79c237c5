// Tokens of auth providers (OIDC), through client-node.

import type { RequestOptions } from "node:https";
import { KubeConfig } from "@kubernetes/client-node";
import { textOf } from "../../base/errors.ts";
import { KubeError } from "../client/errors.ts";
import type { CredentialDeps, Identity } from "./identity.ts";
import type { Target } from "./kubeconfig.ts";

const CACHE_MS = 30_000;

/** The token of the user's auth provider, which refreshes it. Throws KubeError when that fails. */
export async function askProvider({ server, user }: Target, { clock }: CredentialDeps): Promise<Identity> {
  const config = new KubeConfig();
  const options: RequestOptions = {};
  try {
    // client-node keeps refreshed tokens in this object.
    const authProvider = user["auth-provider"];
    const cluster = { name: "cluster", server, skipTLSVerify: false };
    config.loadFromClusterAndUser(cluster, { name: "user", authProvider });
    await config.applyToHTTPSOptions(options);
  } catch (error) {
    throw new KubeError("get credentials from the auth provider", textOf(error).split("\n")[0] ?? "", {
      status: 401,
      reason: "CredentialPlugin",
      hint: "log in again",
    });
  }
  const { Authorization: authorization = "" } = options.headers as Record<string, string>;
  const nowMs = clock.now().getTime();
  return { token: authorization.replace(/^Bearer /, ""), renewAt: nowMs + CACHE_MS, expiresAt: nowMs };
}
