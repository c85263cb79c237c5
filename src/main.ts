// Entry point: argv, streams and signals → run() → exit code.

import { EXIT } from "./base/errors.ts";
import { fstatSync, writeFileSync, writeSync } from "node:fs";
import { homedir } from "node:os";
import { systemClock } from "./base/clock.ts";
import { homeFolder } from "./base/env.ts";
import { readFromDisk } from "./base/read-file.ts";
import { cliContext } from "./cli/context.ts";
import { commandNameIn, run } from "./cli/run.ts";
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
const WRITING_COMMANDS = new Set(["agent start", "cancel", "cleanup"]);

/** Output that is lost, on a full disk say, is an error. */
function failOnLostOutput(error: Error): never {
  writeSync(process.stderr.fd, `error: cannot write the output: ${error.message}\n`);
  process.exit(EXIT.failure);
}

/** Node writes to a file once, and does not look at how much of it was written. */
function writeFilesWhole(stdout: typeof process.stdout): void {
  if (!fstatSync(stdout.fd).isFile()) return;
  stdout._write = (chunk: Uint8Array, _encoding, done) => {
    try {
      writeFileSync(stdout.fd, chunk);
      done();
    } catch (error) {
      done(error as Error);
    }
  };
}

/**
 * A closed stdout, as after `| head`, is no error. Commands that only read exit at once with 0; the others stop as after
 * a signal, and their exit code tells how far they got.
 */
function stopOnClosedStdout(stopping: AbortController): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") failOnLostOutput(error);
    if (WRITING_COMMANDS.has(commandNameIn(process.argv.slice(2)))) stopping.abort();
    else process.exit(0);
  });
  // A closed stderr is ignored: there is nowhere to report it.
  process.stderr.on("error", () => {});
}

/** Exits once all output is written, even if a request is still open or an exec plugin runs. */
function exit(code: number, stopping: AbortController): void {
  stopping.abort();
  process.stdout.write("", (error: NodeJS.ErrnoException | null | undefined) => {
    if (error && error.code !== "EPIPE") failOnLostOutput(error);
    process.stderr.write("", () => process.exit(code));
  });
}

/** The program that shows a web page, where there is a desktop. */
function browserOf({ platform, env }: NodeJS.Process): readonly string[] | undefined {
  if (platform === "darwin") return ["open"];
  if (platform === "win32") return ["rundll32", "url.dll,FileProtocolHandler"];
  return env["DISPLAY"] || env["WAYLAND_DISPLAY"] ? ["xdg-open"] : undefined;
}

function main(): void {
  const stopping = stopOnSignal();
  stopOnClosedStdout(stopping);
  writeFilesWhole(process.stdout);
  const argv = process.argv.slice(2);
  const { env, stdin, stdout, stderr } = process;
  const home = homeFolder(homedir);
  // Python's ~ needs no HOME either.
  if (home !== undefined && env["USERPROFILE"] === undefined) env["HOME"] ??= home;
  const context = cliContext({
    env,
    stdin,
    stdout,
    stderr,
    clock: systemClock,
    home,
    readFile: readFromDisk,
    userAgent: `kubectl-prefect/${version}`,
    // A shell that waits for completions is no place for questions.
    isInteractive: stdin.isTTY && argv[0] !== "__complete",
    browser: browserOf(process),
    signal: stopping.signal,
  });
  void run(argv, context).then((code) => exit(code, stopping));
}

main();
