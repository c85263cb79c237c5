// A program at a real terminal: util-linux's script gives it one, stty changes its size, and a Screen shows what stands on it.

import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { onTestFinished, vi } from "vitest";
import { Screen } from "../output/screen.ts";

/** Why there can be no terminal here, or undefined. */
export function whyNoTerminal(): string | undefined {
  const found = spawnSync("script", ["--version"], { encoding: "utf8" });
  return found.stdout?.includes("util-linux") ? undefined : "there is no script of util-linux";
}

/** One program's terminal. */
export class Terminal {
  readonly screen: Screen;
  /** The program's exit code. */
  readonly ended: Promise<number | null>;
  readonly #child: ChildProcess;
  #device = "";

  /** Starts the program; it is ended with the test. `words` must need no quoting. */
  constructor(
    words: readonly string[],
    size: { readonly columns: number; readonly rows: number },
    env: Readonly<Record<string, string>>,
  ) {
    this.screen = new Screen(size);
    const { columns, rows } = size;
    const line = `tty; stty cols ${columns} rows ${rows}; exec ${words.join(" ")}`;
    const path = process.env["PATH"] ?? "";
    const child = spawn("script", ["-qefc", line, "/dev/null"], { env: { PATH: path, ...env } });
    this.#child = child;
    child.stdout.setEncoding("utf8").on("data", (text: string) => this.#heard(text));
    this.ended = new Promise((resolve) => child.on("close", resolve));
    onTestFinished(() => void child.kill("SIGKILL"));
  }

  /** Resolves when the screen's lines, joined, match. */
  async shows(pattern: RegExp): Promise<void> {
    const look = (): void => {
      const seen = this.screen.seen().join("\n");
      if (!pattern.test(seen)) throw new Error(`the screen does not show ${String(pattern)}:\n${seen}`);
    };
    await vi.waitFor(look, { timeout: 15_000, interval: 50 });
  }

  /** The window becomes narrower; the kernel tells the program. */
  narrowTo(columns: number): void {
    this.screen.narrowTo(columns);
    const { status, stderr } = spawnSync("stty", ["-F", this.#device, "cols", String(columns)], {
      encoding: "utf8",
    });
    if (status !== 0) throw new Error(`stty: ${stderr}`);
  }

  /** What a person types. */
  types(text: string): void {
    this.#child.stdin?.write(text);
  }

  /** The first line tells which terminal it is, and is not the program's. */
  #heard(text: string): void {
    let rest = text;
    if (this.#device === "") {
      const [first = "", ...lines] = text.split("\n");
      this.#device = first.trim();
      rest = lines.join("\n");
    }
    this.screen.write(rest);
  }
}
