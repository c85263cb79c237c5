// How a program is started. On Windows `gke-login` may be gke-login.cmd, which only cmd.exe runs. Pure.

import { win32 } from "node:path";
import type { Env } from "../../base/env.ts";

export interface CommandLine {
  readonly file: string;
  readonly args: readonly string[];
  /** The arguments are quoted already. */
  readonly verbatim: boolean;
}

/** What cmd.exe gives a meaning. */
const META = /[()\][%!^"`<>&|;, *?]/g;

/** Elsewhere than on Windows the system finds the program itself. */
export function commandLine(
  command: string,
  args: readonly string[],
  { env, exists }: { readonly env: Env; readonly exists: (path: string) => boolean },
): CommandLine {
  const isWindows = env["OS"] === "Windows_NT";
  const file = (isWindows ? candidates(command, env).find(exists) : undefined) ?? command;
  if (!isWindows || !/\.(?:cmd|bat)$/i.test(file)) return { file, args, verbatim: false };
  const line = [file.replaceAll(META, "^$&"), ...args.map(quoted)].join(" ");
  return { file: env["ComSpec"] ?? "cmd.exe", args: ["/d", "/s", "/c", `"${line}"`], verbatim: true };
}

/** The paths that a name may stand for, by PATH and PATHEXT. */
function candidates(command: string, env: Env): readonly string[] {
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
