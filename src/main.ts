// The process's edge: argv, streams, signals → run() → exit code.

import { homedir, hostname } from "node:os";
import { systemClock } from "./base/clock.ts";
import { readFromDisk } from "./base/read-file.ts";
import { connectors } from "./cli/context.ts";
import type { CliContext } from "./cli/context.ts";
import { run } from "./cli/run.ts";
import { version } from "./version.ts";

const INTERRUPTED = 130;

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/** The first signal asks to stop, a second one does not ask. */
function untilSignalled(): AbortController {
  const controller = new AbortController();
  const onSignal = (): void => {
    if (controller.signal.aborted) process.exit(INTERRUPTED);
    controller.abort();
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  return controller;
}

/** Commands that change something, or wait for something to end; all others only show what is. */
const DOING = new Set(["agent", "cancel", "cleanup"]);

/**
 * A reader that went away, as in `| head`, is no error: it has seen enough. What only shows ends at once, with 0; what
 * does something is asked to stop, as by a signal, and answers how far it came.
 */
function endWithoutReader(stopping: AbortController): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") process.exit(1);
    if (DOING.has(process.argv[2] ?? "")) stopping.abort();
    else process.exit(0);
  });
  // Nobody is left who could be told.
  process.stderr.on("error", () => {});
}

/** Ends the process when all is written: a request that nobody waits for any more must not keep it. */
function exit(code: number): void {
  process.stdout.write("", () => process.stderr.write("", () => process.exit(code)));
}

function main(): void {
  const world = { env: process.env, clock: systemClock, home: homedir(), readFile: readFromDisk };
  const stopping = untilSignalled();
  endWithoutReader(stopping);
  const context: CliContext = {
    ...world,
    ...connectors({ ...world, userAgent: `kubectl-prefect/${version}` }),
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    colorDepth: 1,
    signal: stopping.signal,
    hostname: hostname(),
    pid: process.pid,
    isRunning,
  };
  const colours = process.stdout.isTTY && (process.env["NO_COLOR"] ?? "") === "";
  void run(process.argv.slice(2), context, colours).then(exit);
}

main();
