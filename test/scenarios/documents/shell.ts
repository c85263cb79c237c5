// A shell with an empty home, in which `kubectl` is the real one on a fake cluster, `kubectl prefect` is this program, and the
// programs of NOT_RUN do nothing.

import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { onTestFinished } from "vitest";

const MAIN = join(import.meta.dirname, "..", "..", "..", "src", "main.ts");

/** Programs in the documents that the test does not run, and why. */
export const NOT_RUN: Readonly<Record<string, string>> = {
  npm: "installs packages, or takes minutes; another test knows the scripts and their options",
  npx: "starts the tests themselves",
  kind: "needs Docker",
  sudo: "changes the machine",
  skopeo: "pushes an image to a registry",
  curl: "needs an agent that still runs",
  jq: "may not be installed",
};

/** Programs of the system that commands may use. */
const SYSTEM = ["bash", "cat", "chmod", "cp", "diff", "env", "grep", "mkdir", "rm", "sed"];

/**
 * `kubectl`: what waits, asks or never ends is told not to, and the findings of `doctor` are no error. The fake reads only JSON
 * and has no schema: kubectl gets its objects from a dry run, and validates nothing. It has no scale of a Deployment either.
 */
const KUBECTL = String.raw`#!/usr/bin/env bash
set -o pipefail
if [[ $1 != prefect ]]; then
  case $1 in
    scale) exit ;;
    apply | replace) exec "$REAL_KUBECTL" "$@" --validate=false ;;
    create) "$REAL_KUBECTL" "$@" --dry-run=client -o yaml | "$REAL_KUBECTL" apply --validate=false -f - ;;
    *) exec "$REAL_KUBECTL" "$@" ;;
  esac
  exit
fi
shift
case " $* " in
  *" --help "* | *" --dry-run"*) ;;
  *" agent start "*) set -- "$@" --max-polls=1 ;;
  " cleanup "*) set -- "$@" --yes ;;
  " cancel "*" --now "*) ;;
  " cancel "*) set -- "$@" --now ;;
esac
"$NODE" "$MAIN" "$@"
code=$?
[[ $1 == doctor && $code == 1 ]] || exit $code
`;

/** Notes its own name, and ends well. */
const DOES_NOTHING = `#!/usr/bin/env bash\necho "\${0##*/}" >> "$NOTES"\n`;

/** Stops at the first command that fails, or never ends, and names it. */
const PROLOGUE = `set -eEo pipefail
trap 'echo "in: $BASH_COMMAND" >&2' ERR
trap 'echo "never ends: $BASH_COMMAND" >&2; exit 1' TERM
`;
const LONGEST_MS = 60_000;

export interface Shell {
  readonly home: string;
  /** Where commands start. */
  readonly folder: string;
  /** Runs commands until one fails; the answer says which, and what was written to stderr. "" if none failed. */
  run(commands: string): Promise<string>;
  /** The programs of NOT_RUN that were called. */
  notRun(): readonly string[];
}

/** A shell that lives as long as the test. */
export function startShell(env: Readonly<Record<string, string>>): Shell {
  const root = mkdtempSync(join(tmpdir(), "documents-"));
  onTestFinished(() => rmSync(root, { recursive: true }));
  const [home, folder, programs] = ["home", "work", "bin"].map((name) => join(root, name)) as [
    string,
    string,
    string,
  ];
  for (const path of [home, folder, programs]) mkdirSync(path);
  const notes = join(root, "notes");
  writeFileSync(notes, "");
  for (const name of SYSTEM) symlinkSync(pathOf(name), join(programs, name));
  const scripts = {
    kubectl: KUBECTL,
    ...Object.fromEntries(Object.keys(NOT_RUN).map((name) => [name, DOES_NOTHING])),
  };
  for (const [name, text] of Object.entries(scripts)) {
    writeFileSync(join(programs, name), text);
    chmodSync(join(programs, name), 0o755);
  }
  const all = {
    HOME: home,
    PATH: programs,
    NOTES: notes,
    MAIN,
    NODE: process.execPath,
    REAL_KUBECTL: pathOf("kubectl"),
    ...env,
  };
  const run = async (commands: string): Promise<string> => {
    const child = spawn("bash", ["-c", `${PROLOGUE}${commands}`], {
      cwd: folder,
      env: all,
      stdio: ["ignore", "ignore", "pipe"],
      detached: true,
    });
    const group = -Number(child.pid);
    const stop = setTimeout(() => process.kill(group), LONGEST_MS);
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    const [code] = (await once(child, "close")) as [number | null];
    clearTimeout(stop);
    return code === 0 ? "" : `exit code ${code}: ${stderr}`;
  };
  return {
    home,
    folder,
    run,
    notRun: () =>
      readFileSync(notes, "utf8")
        .split("\n")
        .filter((name) => name !== ""),
  };
}

/** Where the PATH has the program. Throws when it has none. */
function pathOf(program: string): string {
  const found = (process.env["PATH"] ?? "").split(delimiter).map((folder) => join(folder, program));
  const path = found.find((each) => existsSync(each));
  if (path === undefined) throw new Error(`the PATH has no ${program}`);
  return path;
}
