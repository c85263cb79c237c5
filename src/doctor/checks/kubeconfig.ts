// The cluster and the user, as the kubeconfig or the pod names them; nothing is sent to the API server.

import { isObject, objectIn, textIn } from "../../base/json.ts";
import type { ExpectedError } from "../../base/errors.ts";
import type { Target } from "../../kube/auth/kubeconfig.ts";
import type { Finding } from "../finding.ts";

const SECTION = "kubernetes";

/** The chosen context, and the kind of its credentials. */
export function kubeconfigFindings(target: Target): readonly Finding[] {
  const { source, contextName, clusterName, userName, server } = target;
  const context = contextName === undefined ? "" : `, context "${contextName}"`;
  const cluster = clusterName === undefined ? "" : `, cluster "${clusterName}"`;
  const user = userName === undefined ? "" : `user "${userName}" with `;
  const credentials = credentialKind(target);
  const isHttps =
    textIn(target.cluster["server"])?.startsWith("https") === true || server.startsWith("https");
  const isUnverified = isHttps && target.cluster["insecure-skip-tls-verify"] === true;
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
        credentials,
      },
    },
    {
      section: SECTION,
      check: "credentials",
      status: "ok",
      message: `${user}${credentials}${actingAs(target)}`,
    },
    ...(isUnverified ? [unverifiedCertificate()] : []),
  ];
}

/** The kubeconfig names no cluster, or its credentials cannot be read. */
export function noClusterFinding(error: ExpectedError): Finding {
  return {
    section: SECTION,
    check: "kubeconfig",
    status: "broken",
    message: error.message,
    hint: error.hint,
  };
}

/** The kind of the user's credentials, without the credentials. */
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

function unverifiedCertificate(): Finding {
  return {
    section: SECTION,
    check: "certificate",
    status: "warning",
    message: "the API server's certificate is not verified, so credentials can be intercepted",
    hint: "set certificate-authority-data in the kubeconfig, and remove insecure-skip-tls-verify",
  };
}
