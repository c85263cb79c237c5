// `npm run demo`: the agent between a fake Prefect API and a fake Kubernetes in this process, with flow runs that succeed, fail,
// cannot start, are scheduled or are cancelled. Takes a few seconds.
// --context NAME or --kubeconfig FILE run the Jobs in a temporary namespace of that cluster; -v prints the agent's log on stderr.
// Exits with 1 if a flow run did not end as expected.

import { homedir } from "node:os";
import { parseArgs } from "node:util";
import { systemClock } from "../src/base/clock.ts";
import { createLog } from "../src/base/log.ts";
import type { Log } from "../src/base/log.ts";
import { readFromDisk } from "../src/base/read-file.ts";
import { connectKube } from "../src/kube/client/connect.ts";
import type { KubeApi } from "../src/kube/client/api.ts";
import { paintFor } from "../src/output/palette.ts";
import { tableLines } from "../src/output/table.ts";
import { version } from "../src/version.ts";
import { runDemo } from "./demo/demo.ts";
import { closingLine, RESULT_COLUMNS, problemsOf } from "./demo/result.ts";
import { runScript } from "./project.ts";

const { values } = parseArgs({
  options: {
    context: { type: "string" },
    kubeconfig: { type: "string" },
    verbose: { type: "boolean", short: "v", default: false },
  },
});

/** The cluster of --context or --kubeconfig; undefined: the fake. */
async function cluster(): Promise<KubeApi | undefined> {
  const { context, kubeconfig } = values;
  if (context === undefined && kubeconfig === undefined) return undefined;
  const userAgent = `kubectl-prefect-demo/${version}`;
  const dependencies = {
    env: process.env,
    home: homedir(),
    readFile: readFromDisk,
    clock: systemClock,
    userAgent,
  };
  return (await connectKube({ context, kubeconfig }, dependencies)).kube;
}

function agentLog(): Log {
  return createLog({
    name: "agent",
    level: values.verbose ? "DEBUG" : "WARNING",
    format: "text",
    write: (line) => void process.stderr.write(line),
    now: () => systemClock.now(),
  });
}

/** The first Ctrl-C stops the demo, the second one exits at once. */
function untilInterrupted(): AbortSignal {
  const stopping = new AbortController();
  process.on("SIGINT", () => {
    if (stopping.signal.aborted) process.exit(130);
    stopping.abort();
  });
  return stopping.signal;
}

await runScript(async () => {
  const paint = await paintFor("auto", process.stdout, process.env);
  const startedAt = systemClock.now();
  const signal = untilInterrupted();
  const kube = await cluster();
  try {
    const results = await runDemo({
      clock: systemClock,
      signal,
      print: (line) => console.log(line),
      paint,
      log: agentLog(),
      kube,
    });
    for (const line of ["", ...tableLines(RESULT_COLUMNS, results, { paint }), ""]) console.log(line);
    const problems = results.flatMap(problemsOf);
    for (const problem of problems) console.error(`error: ${problem}`);
    console.log(closingLine(results, systemClock.now().getTime() - startedAt.getTime()));
    if (problems.length > 0) process.exitCode = 1;
  } finally {
    kube?.close();
  }
});
