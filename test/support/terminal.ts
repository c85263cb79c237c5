// A program at a real terminal, which `script` of util-linux provides; stty sets its size, and a Screen holds its content.

import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { onTestFinished, vi } from "vitest";
import { Screen } from "../output/screen.ts";

/** Why there is no terminal, or undefined. */
export function noTerminalReason(): string | undefined {
  const found = spawnSync("script", ["--version"], { encoding: "utf8" });
  return found.stdout?.includes("util-linux") ? undefined : "there is no script of util-linux";
}

/** The command line of `kubectl prefect`, from the sources. */
export const PROGRAM = [process.execPath, fileURLToPath(new URL("../../src/main.ts", import.meta.url))];

/** The lines that `kubectl prefect ARGV…` writes to a terminal of 24 rows, before the terminal wraps them. */
export async function linesOnTerminal(
  argv: readonly string[],
  columns: number,
  env: Readonly<Record<string, string>> = {},
): Promise<readonly string[]> {
  const terminal = new Terminal([...PROGRAM, ...argv], { columns, rows: 24 }, { TERM: "xterm", ...env });
  await terminal.ended;
  return stripVTControlCharacters(terminal.screen.written).trimEnd().split(/\r*\n/);
}

/** One program's terminal. */
export class Terminal {
  readonly screen: Screen;
  /** The program's exit code. */
  readonly ended: Promise<number | null>;
  readonly #child: ChildProcess;
  #device = "";

  /** Starts the program; it is killed at the end of the test. `command` must not need quoting. */
  constructor(
    command: readonly string[],
    size: { readonly columns: number; readonly rows: number },
    env: Readonly<Record<string, string>>,
  ) {
    this.screen = new Screen(size);
    const { columns, rows } = size;
    const line = `tty; stty cols ${columns} rows ${rows}; exec ${command.join(" ")}`;
    const path = process.env["PATH"] ?? "";
    const child = spawn("script", ["-qefc", line, "/dev/null"], { env: { PATH: path, ...env } });
    this.#child = child;
    child.stdout.setEncoding("utf8").on("data", (text: string) => this.#receive(text));
    this.ended = new Promise((resolve) => child.on("close", resolve));
    onTestFinished(() => void child.kill("SIGKILL"));
  }

  /** Resolves when the screen's lines, joined, match. */
  async shows(pattern: RegExp): Promise<void> {
    const check = (): void => {
      const seen = this.screen.seen().join("\n");
      if (!pattern.test(seen)) throw new Error(`the screen does not show ${String(pattern)}:\n${seen}`);
    };
    await vi.waitFor(check, { timeout: 15_000, interval: 50 });
  }

  /** Makes the window narrower; the program gets SIGWINCH. */
  narrowTo(columns: number): void {
    this.screen.narrowTo(columns);
    const { status, stderr } = spawnSync("stty", ["-F", this.#device, "cols", String(columns)], {
      encoding: "utf8",
    });
    if (status !== 0) throw new Error(`stty: ${stderr}`);
  }

  /** Types the text. */
  types(text: string): void {
    this.#child.stdin?.write(text);
  }

  /** The first line is the name of the terminal, printed by `tty`. */
  #receive(text: string): void {
    let rest = text;
    if (this.#device === "") {
      const [first = "", ...lines] = text.split("\n");
      this.#device = first.trim();
      rest = lines.join("\n");
    }
    this.screen.write(rest);
  }
}
