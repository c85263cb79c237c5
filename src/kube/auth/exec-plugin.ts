// Runs an exec plugin (EKS, GKE, AKS, a company's login) as client-go does: with the terminal if it may ask there, and with
// KUBERNETES_EXEC_INFO. client-node gives it neither terminal nor time limit, and quotes what it printed in errors.

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { aborted } from "../../base/clock.ts";
import { ExpectedError } from "../../base/errors.ts";
import { arrayIn, objectIn, textIn } from "../../base/json.ts";
import type { JsonObject } from "../../base/json.ts";
import { KubeError } from "../client/errors.ts";
import { commandLine } from "./command-line.ts";
import { pemIn } from "./identity.ts";
import type { CredentialDeps, Identity } from "./identity.ts";
import type { Target } from "./kubeconfig.ts";

interface Plugin {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether it gets the terminal. */
  readonly interactive: boolean;
  readonly apiVersion: string;
}

const SAY_AFTER_MS = 5_000;
/** Without a terminal nobody can answer a question. */
const MAX_MS = 60_000;
const MAX_OUTPUT = 1024 * 1024;
/** Renewed when a fifth of their life is left, at most this long before they expire. */
const RENEW_MS = 60_000;
/** Of a cluster in the kubeconfig: configuration for the plugin. */
const EXTENSION = "client.authentication.k8s.io/exec";

/** What the user's plugin answers. Throws KubeError, which never contains what it printed on stdout; the signal's reason. */
export async function runPlugin(target: Target, deps: CredentialDeps): Promise<Identity> {
  const exec = objectIn(target.user["exec"]);
  try {
    const plugin = pluginOf(exec, target, deps);
    deps.secrets?.add(...secretsOf(exec));
    const identity = readAnswer(await outputWithin(plugin, deps), plugin, deps.clock.now().getTime());
    deps.secrets?.add(identity.token, identity.key);
    return identity;
  } catch (error) {
    if (!(error instanceof ExpectedError)) throw error;
    throw new KubeError(`get credentials from "${textIn(exec["command"]) ?? ""}"`, error.message, {
      status: 401,
      reason: "CredentialPlugin",
      hint: textIn(exec["installHint"]) ?? "run the plugin by hand, or log in again",
    });
  }
}

function pluginOf(exec: JsonObject, target: Target, deps: CredentialDeps): Plugin {
  const mode = textIn(exec["interactiveMode"]) ?? "IfAvailable";
  const interactive = mode !== "Never" && deps.user?.isInteractive === true;
  if (mode === "Always" && !interactive) {
    throw new ExpectedError("it asks on the terminal (interactiveMode: Always), and there is none");
  }
  const apiVersion = textIn(exec["apiVersion"]) ?? "client.authentication.k8s.io/v1";
  const { extensions, ...cluster } = target.cluster;
  const extension = arrayIn(extensions)
    .map(objectIn)
    .find(({ name }) => name === EXTENSION);
  const ca = Buffer.from(pemIn(cluster, "certificate-authority", deps) ?? "").toString("base64");
  const config = extension?.["extension"];
  const shared = { ...cluster, server: target.server, "certificate-authority-data": ca, config };
  const spec = exec["provideClusterInfo"] === true ? { interactive, cluster: shared } : { interactive };
  const own = arrayIn(exec["env"]).map((entry) => [objectIn(entry)["name"], objectIn(entry)["value"]]);
  return {
    command: textIn(exec["command"]) ?? "",
    args: arrayIn(exec["args"]).map(String),
    env: {
      ...deps.env,
      ...(Object.fromEntries(own) as Record<string, string>),
      KUBERNETES_EXEC_INFO: JSON.stringify({ apiVersion, kind: "ExecCredential", spec }),
    },
    interactive,
    apiVersion,
  };
}

/** The values of its variables and flags whose names say that they are secret; what it prints on stderr is shown. */
function secretsOf({ env, args }: JsonObject): (string | undefined)[] {
  const variables = arrayIn(env)
    .map(objectIn)
    .map(({ name, value }) => [String(name), value]);
  const flags = arrayIn(args)
    .map(String)
    .flatMap((word, at, all) => {
      const [, name, value] = /^(--?[\w-]+)(?:=(.*))?$/s.exec(word) ?? [];
      return name === undefined ? [] : [[name, value ?? all[at + 1]]];
    });
  return [...variables, ...flags]
    .filter(([name]) => /key|token|secret|passw/i.test(String(name)))
    .map(([, value]) => textIn(value));
}

/** Its output, if it ends in time. Says after a while what is waited for. */
async function outputWithin(plugin: Plugin, deps: CredentialDeps): Promise<string> {
  const { command, env, interactive } = plugin;
  const { file, args, verbatim } = commandLine(command, plugin.args, { env, exists: existsSync });
  const child = spawn(file, args, {
    env,
    stdio: interactive ? ["inherit", "pipe", "inherit"] : ["ignore", "pipe", "pipe"],
    windowsVerbatimArguments: verbatim,
    windowsHide: true,
  });
  const over = new AbortController();
  const until = AbortSignal.any([over.signal, ...(deps.signal === undefined ? [] : [deps.signal])]);
  const limit = async (): Promise<never> => {
    await deps.clock.sleep(SAY_AFTER_MS, until);
    if (!until.aborted) deps.user?.show(`waiting for credentials from "${command}"\n`);
    await (interactive ? aborted(until) : deps.clock.sleep(MAX_MS - SAY_AFTER_MS, until));
    throw until.aborted ? until.reason : new ExpectedError(`it has not answered within ${MAX_MS / 1_000} s`);
  };
  try {
    return await Promise.race([outputOf(child, deps), limit()]);
  } finally {
    over.abort();
    child.kill();
  }
}

/** What it printed on stdout, once it has exited with 0. Its stderr is shown as it comes. */
function outputOf(child: ChildProcess, { user }: CredentialDeps): Promise<string> {
  let output = "";
  let said = "";
  child.stdout
    ?.setEncoding("utf8")
    .on("data", (text: string) => (output += text.slice(0, MAX_OUTPUT - output.length)));
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    user?.show(text);
    said = (said + text).slice(-500);
  });
  return new Promise((resolve, reject) => {
    child.on("error", (error) => {
      const isMissing = "code" in error && error.code === "ENOENT";
      reject(new ExpectedError(isMissing ? "there is no such program" : error.message));
    });
    child.on("close", (code, signal) => {
      if (code === 0) return resolve(output);
      const end = code === null ? `signal ${signal}` : `exit code ${code}`;
      const lastLine = said.trim().split("\n").at(-1) ?? "";
      reject(new ExpectedError(`it failed with ${end}${lastLine && `: ${lastLine}`}`));
    });
  });
}

/** Errors never contain what it printed, which may be the token. */
function readAnswer(output: string, { apiVersion }: Plugin, nowMs: number): Identity {
  let answer: JsonObject = {};
  try {
    answer = objectIn(JSON.parse(output));
  } catch {
    // Reported below, as other answers that are no ExecCredential.
  }
  const status = objectIn(answer["status"]);
  const filled = (name: string): string | undefined => textIn(status[name]) || undefined;
  const [token, cert, key] = [filled("token"), filled("clientCertificateData"), filled("clientKeyData")];
  if (answer["kind"] !== "ExecCredential" || (token ?? (cert && key)) === undefined) {
    throw new ExpectedError("it printed no ExecCredential with a token or a client certificate with its key");
  }
  if (answer["apiVersion"] !== apiVersion) {
    throw new ExpectedError(`it did not answer in its apiVersion, ${apiVersion}`);
  }
  const expiry = Date.parse(filled("expirationTimestamp") ?? "");
  const expiresAt = Number.isNaN(expiry) ? Number.POSITIVE_INFINITY : expiry;
  return { token, cert, key, expiresAt, renewAt: expiresAt - Math.min(RENEW_MS, (expiresAt - nowMs) / 5) };
}
