// The user's own flags, for the commands that hints show: these then act on the same cluster and the same Prefect API.

import { redactUrl } from "../base/redact-url.ts";
import { shellWord } from "../base/shell-word.ts";
import type { ConnectionFlags } from "../kube/auth/kubeconfig.ts";
import { CONNECTION_OPTIONS } from "./options/connection-options.ts";
import type { PrefectCommand } from "./options/prefect-command.ts";

/** The user's flags for the cluster, and for Prefect. */
type OwnFlags = Readonly<Record<"cluster" | "prefect", readonly string[]>>;

/** Never the API key, nor a password in an address. */
export function ownFlags(
  connection: ConnectionFlags,
  { backend, api, tenantId }: Pick<PrefectCommand, "backend" | "api" | "tenantId">,
): OwnFlags {
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
  return { cluster, prefect };
}

/** A command by itself, or in a hint: behind a colon or a pipe, up to a semicolon, a pipe or the end. */
const SHOWN = /(?<=^|: |\| )kubectl ([^;|]+?)(?=\s*(?:[;|]|$))/g;

/** The text with the user's own flags in the commands that it shows. `scope`: -n or -A, as the user gave them. */
export function withOwnFlags(text: string, { cluster, prefect }: OwnFlags, scope: string): string {
  return text.replaceAll(SHOWN, (shown, command: string) => {
    const [, ours] = /^prefect (.*)$/s.exec(command) ?? [];
    if (ours === undefined) return [shown, ...cluster].join(" ");
    // It prints manifests, and reads no cluster.
    if (ours.startsWith("install")) return shown;
    const hasScope = / (?:-n|-A)\b/.test(ours);
    // doctor looks into one namespace.
    const isUnknown = scope === "-A" && ours.startsWith("doctor");
    const place = hasScope || isUnknown || scope === "" ? [] : [scope];
    return [shown, ...place, ...cluster, ...prefect].join(" ");
  });
}

function flagsText(flags: readonly (readonly [string, string | undefined])[]): readonly string[] {
  return flags.flatMap(([flag, value]) => (value === undefined ? [] : [`${flag} ${shellWord(value)}`]));
}
