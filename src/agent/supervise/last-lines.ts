// The last lines of a container's log, for the post-mortem in the run's log.

import { withRetry } from "../../base/retry.ts";
import type { LogTail } from "../../job/decide/types.ts";
import type { SharedState } from "../shared-state.ts";

const LINES = 20;
const MAX_BYTES = 16 * 1024;
const READ_MS = 10_000;
const TRIES = { attempts: 3, shape: { firstMs: 100, maxMs: 500 } };

/**
 * What the kubelet answers with status 200 in place of a log that it does not have. Sources: kubelet pkg/kubelet/server and
 * kuberuntime/logs ("failed to try resolving symlinks", "unable to retrieve"), containerd ("an error occurred when try to").
 */
const NO_LOG =
  /^(?:unable to retrieve container logs for |failed to try resolving symlinks in path |failed to open log file |rpc error: code = |Error response from daemon: )[^\n]*$/;

/** The very last lines, at most 20 and 16 KiB, with a heading; "" if there are none or they cannot be read. */
export async function lastLines(deps: SharedState, tail: LogTail): Promise<string> {
  const over = new AbortController();
  const { clock } = deps;
  try {
    const read = withRetry(() => readEnd(deps, tail, over.signal), { ...TRIES, clock, signal: over.signal });
    // All tries together: a worker waits, and a kubelet that is gone does not answer.
    const limit = clock.sleep(READ_MS, over.signal).then(() => "");
    const text = (await Promise.race([read, limit])).trimEnd();
    if (text === "" || NO_LOG.test(text)) return "";
    const source = tail.container === undefined ? tail.pod : `container '${tail.container}'`;
    const lines = text.split("\n").map((line) => `\t${line}`);
    return `\nLast lines of ${source}:\n${lines.join("\n")}`;
  } catch {
    // Whatever is wrong with the log, the run's state does not wait for it.
    return "";
  } finally {
    over.abort();
  }
}

/** The kubelet would count limitBytes from the first of the last lines: the end is kept here. */
async function readEnd(
  { kube, settings }: SharedState,
  { pod, container, previous }: LogTail,
  signal: AbortSignal,
): Promise<string> {
  const query = { container, previous, tailLines: LINES, idleMs: READ_MS };
  const chunks = await kube.streamPodLog({ namespace: settings.namespace, name: pod }, query, signal);
  if (chunks === undefined) return "";
  let end = Buffer.alloc(0);
  for await (const chunk of chunks) end = Buffer.concat([end, chunk]).subarray(-MAX_BYTES);
  const text = new TextDecoder().decode(end);
  if (end.length < MAX_BYTES) return text;
  // From the first whole line on; the end of the last, if there is no other.
  const breakAt = text.indexOf("\n");
  return breakAt === text.length - 1 ? text : text.slice(breakAt + 1);
}
