// Runs an exec plugin (EKS, GKE, AKS, a company's login) as client-go does: with the terminal if it may ask there, and with
// KUBERNETES_EXEC_INFO. client-node gives it neither terminal nor time limit, and quotes what it printed in errors.

import { spawn, type ChildProcess } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { parse } from "yaml";
import { aborted } from "../../base/clock.ts";
import { ExpectedError, SettingsError, textOf } from "../../base/errors.ts";
import { arrayIn, jsonIn, objectIn, textIn, type JsonObject } from "../../base/json.ts";
import { KubeError } from "../client/errors.ts";
import { pemIn, type CredentialDeps, type Identity } from "./identity.ts";
import type { Target } from "./kubeconfig.ts";
import { isAbsolute, join, win32 } from "node:path";
import type { Env } from "../../base/env.ts";

const SAY_AFTER_MS = 5_000;
/** Without a terminal nobody can answer a question. */
const MAX_MS = 60_000;
const MAX_OUTPUT = 1024 * 1024;
/** Renewed when a fifth of their life is left, at most this long before they expire. */
const RENEW_MS = 60_000;
/** Of a cluster in the kubeconfig: configuration for the plugin. */
const EXTENSION = "client.authentication.k8s.io/exec";
const SECRET_NAME = /key|token|secret|passw/i;

/**
 * What the user's plugin answers. Throws KubeError, which never contains what it printed on stdout; SettingsError for a
 * kubeconfig with which it cannot be started; the signal's reason.
 */
export async function runPlugin(target: Target, deps: CredentialDeps): Promise<Identity> {
  const exec = objectIn(target.user["exec"]);
  const command = textIn(exec["command"]) ?? "";
  if (command === "") throw unusable(target, "it has no command");
  const apiVersion = textIn(exec["apiVersion"]) ?? "client.authentication.k8s.io/v1";
  try {
    const interactive = isInteractive(exec, deps);
    const spec = { interactive, ...clusterInfo(exec, target, deps) };
    const info = { apiVersion, kind: "ExecCredential", spec };
    const env = variablesOf(exec, JSON.stringify(info), deps);
    const line = commandLine(command, argumentsOf(exec, deps), { env: deps.env, exists: isProgram });
    if (line === undefined) throw new MissingProgram("");
    const child = started(line, { env, interactive }, target);
    const output = await withinLimit(child, { command, interactive }, deps);
    const identity = readAnswer(output, apiVersion, deps.clock.now().getTime());
    deps.secrets?.addRenewed(identity.token, identity.key);
    return identity;
  } catch (error) {
    if (!(error instanceof ExpectedError) || error instanceof SettingsError) throw error;
    const failure = { status: 401, reason: "CredentialPlugin" };
    if (error instanceof MissingProgram) {
      const hint = textIn(exec["installHint"])?.replaceAll(/\s+/g, " ").trim() ?? `install "${command}"`;
      throw new KubeError("get credentials", `"${command}" is not installed`, { ...failure, hint });
    }
    const hint = "run the plugin by hand, or log in again";
    throw new KubeError(`get credentials from "${command}"`, error.message, { ...failure, hint });
  }
}

function started(
  { file, args, verbatim }: CommandLine,
  { env, interactive }: { readonly env: NodeJS.ProcessEnv; readonly interactive: boolean },
  target: Target,
): ChildProcess {
  try {
    return spawn(file, args, {
      env,
      stdio: interactive ? ["inherit", "pipe", "inherit"] : ["ignore", "pipe", "pipe"],
      windowsVerbatimArguments: verbatim,
      windowsHide: true,
    });
  } catch (error) {
    // Node repeats the argument, which may be a secret.
    const isNul = error instanceof TypeError;
    const cause = isNul ? "there is a NUL byte in its command, arguments or variables" : textOf(error);
    throw unusable(target, cause);
  }
}

function unusable({ userName, source }: Target, cause: string): SettingsError {
  const whose = userName === undefined ? "the user" : `user "${userName}"`;
  return new SettingsError(`cannot use the exec plugin of ${whose} in ${source}: ${cause}`, {
    hint: "correct it in the kubeconfig",
  });
}

class MissingProgram extends ExpectedError {}

function isInteractive({ interactiveMode }: JsonObject, { user }: CredentialDeps): boolean {
  if (interactiveMode === "Never") return false;
  if (interactiveMode !== "Always" || user?.isInteractive === true) return user?.isInteractive === true;
  throw new ExpectedError("it asks on the terminal (interactiveMode: Always), and there is none");
}

function clusterInfo(exec: JsonObject, { server, cluster }: Target, deps: CredentialDeps): JsonObject {
  if (exec["provideClusterInfo"] !== true) return {};
  const { extensions, ...rest } = cluster;
  const extension = arrayIn(extensions)
    .map(objectIn)
    .find(({ name }) => name === EXTENSION);
  const ca = Buffer.from(pemIn(cluster, "certificate-authority", deps) ?? "").toString("base64");
  return { cluster: { ...rest, server, "certificate-authority-data": ca, config: extension?.["extension"] } };
}

/** What it shows on stderr may repeat its secrets. */
function variablesOf(exec: JsonObject, info: string, { env, secrets }: CredentialDeps): NodeJS.ProcessEnv {
  const own = arrayIn(exec["env"])
    .map(objectIn)
    .map(({ name, value }) => [String(name), textIn(value) ?? ""] as const);
  for (const [name, value] of own) if (SECRET_NAME.test(name)) secrets?.add(value);
  return { ...env, ...Object.fromEntries(own), KUBERNETES_EXEC_INFO: info };
}

function argumentsOf(exec: JsonObject, { secrets }: CredentialDeps): readonly string[] {
  const args = arrayIn(exec["args"]).map(String);
  for (const [at, word] of args.entries()) {
    const [flag = "", value = args[at + 1]] = word.split(/=(.*)/s);
    if (flag.startsWith("-") && SECRET_NAME.test(flag)) secrets?.add(value);
  }
  return args;
}

/** Its output, if it ends in time. Says after a while what is waited for. */
async function withinLimit(
  child: ChildProcess,
  { command, interactive }: { readonly command: string; readonly interactive: boolean },
  { clock, signal, user }: CredentialDeps,
): Promise<string> {
  const over = new AbortController();
  const until = signal === undefined ? over.signal : AbortSignal.any([over.signal, signal]);
  const limit = async (): Promise<never> => {
    await clock.sleep(SAY_AFTER_MS, until);
    if (!until.aborted) user?.show(`waiting for credentials from "${command}"\n`);
    await (interactive ? aborted(until) : clock.sleep(MAX_MS - SAY_AFTER_MS, until));
    throw until.aborted ? until.reason : new ExpectedError(`it has not answered within ${MAX_MS / 1_000} s`);
  };
  try {
    return await Promise.race([outputOf(child, user), limit()]);
  } finally {
    over.abort();
    child.kill();
  }
}

/** What it printed on stdout, once it has exited with 0. Its stderr is shown as it comes. */
function outputOf(child: ChildProcess, user: CredentialDeps["user"]): Promise<string> {
  let [output, said] = ["", ""];
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    output += text.slice(0, MAX_OUTPUT - output.length);
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    user?.show(text);
    said = (said + text).slice(-500);
  });
  return new Promise((resolve, reject) => {
    child.on("error", (error) => {
      const isMissing = "code" in error && error.code === "ENOENT";
      reject(isMissing ? new MissingProgram("") : new ExpectedError(error.message));
    });
    const finish = (code: number | null, signal: NodeJS.Signals | null): void => {
      // What it has started in the background may hold it for long.
      child.stderr?.destroy();
      const lastLine = said.trim().split("\n").at(-1) ?? "";
      const end = code === null ? `signal ${signal}` : `exit code ${code}`;
      if (code === 0) resolve(output);
      else reject(new ExpectedError(`it failed with ${end}${lastLine && `: ${lastLine}`}`));
    };
    child.on("exit", (code, signal) => {
      // Why it has failed comes on stderr.
      if (code !== 0) child.once("close", () => finish(code, signal));
      else if (child.stdout?.readableEnded !== false) finish(code, signal);
      else child.stdout.once("end", () => finish(code, signal));
    });
  });
}

/** Errors never contain what it printed, which may be the token. */
function readAnswer(output: string, apiVersion: string, nowMs: number): Identity {
  const answer = objectIn(jsonIn(output) ?? yamlIn(output));
  const status = objectIn(answer["status"]);
  const filled = (name: string): string | undefined => textIn(status[name]) || undefined;
  const [token, cert, key] = [filled("token"), filled("clientCertificateData"), filled("clientKeyData")];
  const isHalf = (cert === undefined) !== (key === undefined);
  if (answer["kind"] !== "ExecCredential" || isHalf || (token ?? cert) === undefined) {
    throw new ExpectedError("it printed no ExecCredential with a token or a client certificate with its key");
  }
  if (answer["apiVersion"] !== apiVersion) {
    throw new ExpectedError(`it did not answer in its apiVersion, ${apiVersion}`);
  }
  const expiration = filled("expirationTimestamp");
  const expiry = Date.parse(expiration ?? "");
  if (expiration !== undefined && Number.isNaN(expiry))
    throw new ExpectedError("its expirationTimestamp is not a time");
  const expiresAt = Number.isNaN(expiry) ? Number.POSITIVE_INFINITY : expiry;
  return { token, cert, key, expiresAt, renewAt: expiresAt - Math.min(RENEW_MS, (expiresAt - nowMs) / 5) };
}

/** client-go reads YAML, too. All of an ExecCredential is text: a timestamp without quotes stays one. */
function yamlIn(output: string): unknown {
  try {
    return parse(output, { schema: "failsafe", logLevel: "error" });
  } catch {
    return undefined;
  }
}

/** Verbatim: the arguments are quoted already. */
type CommandLine = { readonly file: string; readonly args: readonly string[]; readonly verbatim: boolean };

/** What cmd.exe gives a meaning. */
const META = /[()\][%!^"`<>&|;, *?]/g;

/** How a program is started; undefined: there is none of this name. On Windows `gke-login` may be gke-login.cmd, which only cmd.exe runs. */
export function commandLine(
  command: string,
  args: readonly string[],
  { env, exists }: { readonly env: Env; readonly exists: (path: string) => boolean },
): CommandLine | undefined {
  const isWindows = env["OS"] === "Windows_NT";
  const isPath = !isWindows && /[/\0]/.test(command);
  const file = isPath ? command : candidates(command, env).find(exists);
  if (file === undefined) return undefined;
  if (!isWindows || !/\.(?:cmd|bat)$/i.test(file)) return { file, args, verbatim: false };
  const line = [file.replaceAll(META, "^$&"), ...args.map(quoted)].join(" ");
  return { file: env["ComSpec"] ?? "cmd.exe", args: ["/d", "/s", "/c", `"${line}"`], verbatim: true };
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** The paths that a name may stand for: by the user's PATH, not the plugin's, and never in the current folder. */
function candidates(command: string, env: Env): readonly string[] {
  if (env["OS"] !== "Windows_NT")
    return (env["PATH"] ?? "")
      .split(":")
      .flatMap((folder) => (isAbsolute(folder) ? join(folder, command) : []));
  const folders = /[\\/]/.test(command) ? [""] : (env["PATH"] ?? env["Path"] ?? "").split(";");
  const extensions = (env["PATHEXT"] || ".COM;.EXE;.BAT;.CMD").toLowerCase().split(";");
  const names = [...extensions.map((extension) => command + extension), command];
  return folders.flatMap((folder) => names.map((name) => win32.join(folder, name)));
}

/** As one argument: first for the program's own parser, then for cmd.exe. */
function quoted(argument: string): string {
  const escaped = argument.replaceAll(/(\\*)"/g, '$1$1\\"').replace(/(\\*)$/, "$1$1");
  return `"${escaped}"`.replaceAll(META, "^$&");
}
