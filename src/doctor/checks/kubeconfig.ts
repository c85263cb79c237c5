// Which cluster is meant, and as whom: what the kubeconfig, or the pod, message before anything is asked.

import { isObject, objectIn, textIn } from "../../base/json.ts";
import type { ExpectedError } from "../../base/errors.ts";
import type { Target } from "../../kube/auth/kubeconfig.ts";
import type { Finding } from "../finding.ts";

const SECTION = "kubernetes";

/** The chosen context, and how its user proves who it is. */
export function kubeconfigFindings(target: Target): readonly Finding[] {
  const { source, contextName, clusterName, userName, server } = target;
  const context = contextName === undefined ? "" : `, context "${contextName}"`;
  const cluster = clusterName === undefined ? "" : `, cluster "${clusterName}"`;
  const user = userName === undefined ? "" : `user "${userName}" with `;
  const means = credentialKind(target);
  const isOpen = textIn(target.cluster["server"])?.startsWith("https") === true || server.startsWith("https");
  const unchecked = isOpen && target.cluster["insecure-skip-tls-verify"] === true;
  return [
    {
      section: SECTION,
      check: "kubeconfig",
      status: "ok",
      message: `${source}${context}${cluster}`,
      data: {
        source,
        context: contextName,
        cluster: clusterName,
        user: userName,
        server,
        credentials: means,
      },
    },
    { section: SECTION, check: "credentials", status: "ok", message: `${user}${means}${actingAs(target)}` },
    ...(unchecked ? [uncheckedCertificate()] : []),
  ];
}

/** No cluster can be chosen, or its credentials cannot be had. */
export function noClusterFinding(error: ExpectedError): Finding {
  return {
    section: SECTION,
    check: "kubeconfig",
    status: "broken",
    message: error.message,
    hint: error.hint,
  };
}

/** What the user shows to the server, without showing it here. */
export function credentialKind({ user }: Pick<Target, "user">): string {
  const has = (key: string): boolean => (textIn(user[key]) ?? "") !== "";
  if (isObject(user["exec"])) return `the exec plugin "${textIn(objectIn(user["exec"])["command"]) ?? ""}"`;
  if (isObject(user["auth-provider"])) {
    return `the auth provider "${textIn(objectIn(user["auth-provider"])["name"]) ?? ""}"`;
  }
  if (has("tokenFile")) return `the token in ${textIn(user["tokenFile"])}`;
  if (has("token")) return "a token";
  if (has("client-certificate") || has("client-certificate-data")) return "a client certificate";
  return has("username") ? "a password" : "no credentials";
}

function actingAs({ user }: Target): string {
  const as = textIn(user["as"]);
  return as === undefined ? "" : `, acting as "${as}"`;
}

function uncheckedCertificate(): Finding {
  return {
    section: SECTION,
    check: "certificate",
    status: "warning",
    message: "the server's certificate is not checked: anybody in between can read the credentials",
    hint: "name the cluster's CA in the kubeconfig (certificate-authority-data) in place of insecure-skip-tls-verify",
  };
}
