import { defineConfig } from "vitest/config";

// fast:      pure code, the command line in process, the fakes; part of `npm run check`.
// scenarios: whole stories of the agent on the fakes, every call failing, processes killed; part of `npm test`.
// e2e:       the built binary on a real cluster; `npm run e2e`.

// clipanion's ES modules import directories, which Node does not; Node itself takes its CommonJS.
const server = { deps: { inline: ["clipanion"] } };

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "fast",
          include: ["test/**/*.test.ts"],
          exclude: ["test/e2e/**", "test/scenarios/**"],
          testTimeout: 20_000,
          server,
        },
      },
      {
        test: {
          name: "scenarios",
          include: ["test/scenarios/**/*.test.ts", "test/scenarios/**/*.sweep.ts"],
          testTimeout: 120_000,
          hookTimeout: 60_000,
          // Thousands of worlds with a fault each: one of some three thousand was once late for no reason that was found.
          retry: 1,
          server,
        },
      },
      {
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          fileParallelism: false,
          maxConcurrency: 8,
          // A kubelet on a busy machine can take minutes for what takes seconds; a second look tells that from a defect.
          retry: 1,
          globalSetup: ["test/e2e/support/setup.ts"],
          server,
        },
      },
    ],
  },
});
