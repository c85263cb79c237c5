// The process's edge: argv, streams, signals → run() → exit code.

import { readFileSync } from "node:fs";
import { homedir, hostname } from "node:os";
import { systemClock } from "./base/clock.ts";
import { connectors } from "./cli/context.ts";
import type { CliContext } from "./cli/context.ts";
import { run } from "./cli/run.ts";
import { version } from "./version.ts";

const INTERRUPTED = 130;

function readFile(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR")) {
      return undefined;
    }
    throw error;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/** The first signal asks to stop, a second one does not ask. */
function untilSignalled(): AbortSignal {
  const controller = new AbortController();
  const onSignal = (): void => {
    if (controller.signal.aborted) process.exit(INTERRUPTED);
    controller.abort();
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  return controller.signal;
}

function main(): void {
  const world = { env: process.env, clock: systemClock, home: homedir(), readFile };
  const context: CliContext = {
    ...world,
    ...connectors({ ...world, userAgent: `kubectl-prefect/${version}` }),
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    colorDepth: 1,
    signal: untilSignalled(),
    hostname: hostname(),
    pid: process.pid,
    isRunning,
  };
  // A reader that went away, as in `| head`, is no error.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));
  const colours = process.stdout.isTTY && (process.env["NO_COLOR"] ?? "") === "";
  void run(process.argv.slice(2), context, colours).then((code) => {
    process.exitCode = code;
  });
}

main();
