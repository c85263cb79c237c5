// The API server: whether it answers, its version, and the user that it sees.

import { attempt } from "../../base/attempt.ts";
import { redactUrl } from "../../base/redact-url.ts";
import { isForbidden, KubeError } from "../../kube/client/errors.ts";
import { reported, unreachable } from "../answer.ts";
import { checkOf, kubectl } from "../finding.ts";

const { check, broken, ok, warning } = checkOf({ section: "kubernetes", check: "API server" });
/** The oldest tested version is 1.20. */
const OLDEST_MINOR = 20;

export const apiServer = check(async ({ kubernetes, signal }) => {
  const { kube, target } = await reported(kubernetes.connection());
  const address = redactUrl(target.server);
  const version = await attempt(kubernetes.version);
  if (!version.ok && !isForbidden(version.error)) {
    const message = unreachable(address, version.error);
    const isUnreachable = version.error instanceof KubeError && version.error.reason === "Unreachable";
    if (!isUnreachable) return [broken(message, { hint: version.error.hint })];
    const look = kubectl("cluster-info");
    return [broken(message, { hint: "check its URL and the network", look })];
  }
  const user = await attempt(() => kube.whoAmI(signal));
  // Servers before 1.28 do not tell.
  const name = user.value?.user;
  if (name === "system:anonymous") {
    const hint = "log in to the cluster again, or choose a context with credentials";
    const look = kubectl("config get-contexts");
    return [broken("not logged in: the kubeconfig has no credentials for it", { hint, look })];
  }
  const loggedIn = name === undefined ? "" : `, you are "${name}"`;
  if (!version.ok) return [ok(`${address} answers${loggedIn}`)];
  const { gitVersion } = version.value;
  if (!isTooOld(version.value)) return [ok(`${address} answers, Kubernetes ${gitVersion}${loggedIn}`)];
  const message = `Kubernetes ${gitVersion} is older than 1.${OLDEST_MINOR}, the oldest version that is tested`;
  return [warning(message, { hint: "upgrade the cluster" })];
});

/** Managed clusters write `20+`. */
export function isTooOld({ major, minor }: { readonly major: string; readonly minor: string }): boolean {
  return Number.parseInt(major, 10) === 1 && Number.parseInt(minor, 10) < OLDEST_MINOR;
}
