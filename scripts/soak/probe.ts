// Loaded into the agent's process before the agent: tells on request what memory it really needs.
// node --expose-gc --import ./scripts/soak/probe.ts src/main.ts agent start …

/** What is left after a collection, in bytes, and the processor time so far, in milliseconds. */
export interface Needs {
  readonly heap: number;
  readonly resident: number;
  readonly cpuMs: number;
}

process.on("message", () => {
  const { gc } = globalThis as { gc?: () => void };
  // What the first one finds unreachable may keep other things until the second.
  gc?.();
  gc?.();
  const { heapUsed, rss } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  process.send?.({ heap: heapUsed, resident: rss, cpuMs: (user + system) / 1_000 } satisfies Needs);
});
// Being asked is no reason to live on.
process.channel?.unref();
