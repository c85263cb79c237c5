// Entry point: argv, streams and signals → run() → exit code.

import { EXIT } from "./base/errors.ts";
import { homedir } from "node:os";
import { systemClock } from "./base/clock.ts";
import { readFromDisk } from "./base/read-file.ts";
import { connectors } from "./cli/context.ts";
import type { CliContext } from "./cli/context.ts";
import { run } from "./cli/run.ts";
import { version } from "./version.ts";

/** The first signal aborts the controller, a second one exits at once. */
function stopOnSignal(): AbortController {
  const controller = new AbortController();
  const onSignal = (): void => {
    if (controller.signal.aborted) process.exit(EXIT.interrupted);
    controller.abort();
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  return controller;
}

/** Commands that change something or run until they are stopped; all others only read. */
const WRITING_COMMANDS = new Set(["agent", "cancel", "cleanup"]);

/**
 * A closed stdout, as after `| head`, is no error. Commands that only read exit at once with 0; the others stop as after
 * a signal, and their exit code tells how far they got.
 */
function stopOnClosedStdout(stopping: AbortController): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") process.exit(1);
    if (WRITING_COMMANDS.has(process.argv[2] ?? "")) stopping.abort();
    else process.exit(0);
  });
  // A closed stderr is ignored: there is nowhere to report it.
  process.stderr.on("error", () => {});
}

/** Exits once all output is written, even if a request is still open. */
function exit(code: number): void {
  process.stdout.write("", () => process.stderr.write("", () => process.exit(code)));
}

function main(): void {
  const dependencies = { env: process.env, clock: systemClock, home: homedir(), readFile: readFromDisk };
  const stopping = stopOnSignal();
  stopOnClosedStdout(stopping);
  const context: CliContext = {
    ...dependencies,
    ...connectors({ ...dependencies, userAgent: `kubectl-prefect/${version}` }),
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    colorDepth: 1,
    signal: stopping.signal,
  };
  void run(process.argv.slice(2), context).then(exit);
}

main();
