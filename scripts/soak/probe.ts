// Loaded into the agent's process before the agent: reports its memory on request.
// node --expose-gc --import ./scripts/soak/probe.ts src/main.ts agent start …

/** Memory after a garbage collection, in bytes, and processor time so far, in milliseconds. */
export interface Usage {
  readonly heap: number;
  readonly resident: number;
  readonly cpuMs: number;
}

process.on("message", () => {
  const { gc } = globalThis as { gc?: () => void };
  // Twice: the first collection may make further objects unreachable.
  gc?.();
  gc?.();
  const { heapUsed, rss } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  process.send?.({ heap: heapUsed, resident: rss, cpuMs: (user + system) / 1_000 } satisfies Usage);
});
// The channel must not keep the process alive.
process.channel?.unref();
