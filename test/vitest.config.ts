import { defineConfig } from "vitest/config";

// fast: pure code, the command line in process, stories on the stand-ins; part of `npm run check`.
// e2e:  the built binary on a real cluster; `npm run e2e`.
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "fast",
          include: ["test/**/*.test.ts"],
          exclude: ["test/e2e/**"],
          testTimeout: 15_000,
          // Its ES modules import directories, which Node does not; Node itself takes its CommonJS.
          server: { deps: { inline: ["clipanion"] } },
        },
      },
      {
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          fileParallelism: false,
          globalSetup: ["test/e2e/support/setup.ts"],
        },
      },
    ],
  },
});
