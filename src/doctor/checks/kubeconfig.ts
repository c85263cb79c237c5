// The cluster and the user, as the kubeconfig or the pod names them; nothing is sent to the API server.

import { attempt } from "../../base/attempt.ts";
import { objectIn, textIn } from "../../base/json.ts";
import type { Target } from "../../kube/auth/kubeconfig.ts";
import { checkOf, type Finding } from "../finding.ts";

const { check, broken, ok } = checkOf({ section: "kubernetes", check: "kubeconfig" });
const certificate = checkOf({ section: "kubernetes", check: "certificate" });
/** The fields of a kubeconfig's user that hold credentials. */
const CREDENTIALS = /^(?:exec|auth-provider|tokenFile|token|client-certificate(?:-data)?|username)$/;

export const kubeconfig = check(async ({ kubernetes }) => {
  const connection = await attempt(kubernetes.connection);
  if (connection.ok) return kubeconfigFindings(connection.value.target);
  return [broken(connection.error.message, { hint: connection.error.hint })];
});

/** The chosen context, and the kind of its credentials, never the credentials. */
export function kubeconfigFindings(target: Target): readonly Finding[] {
  const { source, contextName, userName, server, cluster, user } = target;
  const names = Object.entries({ context: contextName, user: userName, "acting as": textIn(user["as"]) });
  const named = names.map(([what, name]) => (name === undefined ? "" : `, ${what} "${name}"`)).join("");
  const kind = Object.keys(user).find((field) => CREDENTIALS.test(field)) ?? "no credentials";
  const command = textIn(objectIn(user["exec"])["command"]) ?? "";
  const found = ok(`${source}${named} with ${`${kind} ${command}`.trim()}`);
  if (cluster["insecure-skip-tls-verify"] !== true || !server.startsWith("https")) return [found];
  const message = "the API server's certificate is not verified, so credentials can be intercepted";
  const hint = "set certificate-authority-data in the kubeconfig, and remove insecure-skip-tls-verify";
  return [found, certificate.warning(message, { hint })];
}
