// The user's own flags, for the commands that hints show: these then act on the same cluster and the same Prefect API.

import { redactUrl } from "../base/redact-url.ts";
import { shellWord } from "../base/shell-word.ts";
import type { Commands } from "../doctor/target.ts";
import type { ConnectionFlags } from "../kube/auth/kubeconfig.ts";
import { CONNECTION_OPTIONS } from "./options/connection-options.ts";
import type { PrefectCommand } from "./options/prefect-command.ts";

/** Repeats the user's flags in every command. Never shows the API key, nor a password in an address. */
export function ownCommands(
  connection: ConnectionFlags,
  { backend, api, tenantId }: Pick<PrefectCommand, "backend" | "api" | "tenantId">,
): Commands {
  const cluster = Object.entries(CONNECTION_OPTIONS).flatMap(([name, { flag, short = flag }]) => {
    const given = connection[name as keyof typeof CONNECTION_OPTIONS];
    if (typeof given === "boolean") return given ? [flag] : [];
    const values = [given ?? []].flat();
    return flagsText(values.map((value) => [short, name === "server" ? redactUrl(value) : value]));
  });
  const prefect = flagsText([
    ["-b", backend],
    ["-a", api && redactUrl(api)],
    ["--tenant-id", tenantId],
  ]);
  const complete = (command: string, namespace: string | undefined, flags: readonly string[]) =>
    [command, ...flagsText([["-n", namespace]]), ...flags].join(" ");
  return {
    kubectl: (command, namespace) => complete(`kubectl ${command}`, namespace, cluster),
    prefect: (command, namespace) =>
      complete(`kubectl prefect ${command}`, namespace, [...cluster, ...prefect]),
  };
}

/** A command in a hint: behind a colon or a pipe, up to a semicolon, a pipe or the end. */
const SHOWN = /(?<=: |\| )kubectl ([^;|]+?)(?=\s*(?:[;|]|$))/g;

/** The hint with the user's own flags in the commands that it shows. `scope`: -n or -A, as the user gave them. */
export function withOwnFlags(hint: string, { kubectl, prefect }: Commands, scope: string): string {
  return hint.replaceAll(SHOWN, (_, command: string) => {
    const [, ours] = /^prefect (.*)$/s.exec(command) ?? [];
    if (ours === undefined) return kubectl(command);
    // It prints manifests, and reads no cluster.
    if (ours.startsWith("install")) return `kubectl ${command}`;
    const hasScope = / (?:-n|-A)\b/.test(ours);
    // doctor looks into one namespace.
    const isUnknown = scope === "-A" && ours.startsWith("doctor");
    return prefect(hasScope || isUnknown || scope === "" ? ours : `${ours} ${scope}`);
  });
}

function flagsText(flags: readonly (readonly [string, string | undefined])[]): readonly string[] {
  return flags.flatMap(([flag, value]) => (value === undefined ? [] : [`${flag} ${shellWord(value)}`]));
}
