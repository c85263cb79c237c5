// A flow run's log in Prefect, for a run whose pods are gone.

import { logPages } from "../../../orchestrator/run-directory.ts";
import type { LoggedLine, RunDirectory } from "../../../orchestrator/run-directory.ts";
import type { LogDeps, LogRange } from "./log-stream.ts";

/** Prints it in Prefect's format; false: Prefect has no line of it. Throws PrefectError. */
export async function printPrefectLog(
  { write, clock, printMessage }: Pick<LogDeps, "write" | "clock" | "printMessage">,
  run: { readonly flowRunId: string; readonly directory: Pick<RunDirectory, "log"> },
  {
    tailLines: tail,
    sinceSeconds,
    prefix,
    signal,
  }: LogRange & { readonly prefix: string; readonly signal: AbortSignal },
): Promise<boolean> {
  const since =
    sinceSeconds === undefined ? undefined : new Date(clock.now().getTime() - sinceSeconds * 1_000);
  let isFirst = true;
  for await (const page of logPages(run.directory, { id: run.flowRunId, tail, since }, signal)) {
    if (isFirst) printMessage("note: the run has no pod here; this is its log in Prefect");
    isFirst = false;
    for (const line of page.flatMap(textLines)) await write(Buffer.from(`${line}\n`), prefix);
  }
  return !isFirst;
}

/** `[2026-11-21 03:04:05,678] INFO - etl | Loaded 3 rows`; what a message has more of lines stays as it is. */
function textLines({ at, level, logger, message }: LoggedLine): readonly string[] {
  const time = at?.toISOString().replace("T", " ").replace("Z", "").replace(".", ",") ?? "";
  return `[${time}] ${level} - ${logger} | ${message.trimEnd()}`.split("\n");
}
