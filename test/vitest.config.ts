import { defineConfig } from "vitest/config";

// fast:      pure code, the command line in process, the fakes; `npm run test:fast`.
// scenarios: the agent on the fakes, every call failing, processes killed; simulated worlds; part of `npm test`.
// e2e:       the built binary on a real cluster; `npm run e2e`.
// e2e-long:  what takes minutes there, or needs a real Prefect.
// e2e-release: what `npm run release` and `npm run image` make, without a cluster; `npm run e2e:long` runs all three.

// clipanion's ES modules import directories, which Node does not; Node itself takes its CommonJS.
const server = { deps: { inline: ["clipanion"] } };

const LONG = [
  "agent-certificates",
  "agent-failures",
  "dask",
  "neighbours",
  "original-agent",
  "prefect",
  "prefect3",
  "prefect3-real.contract",
  "supervise-dask",
  "supervise-retry",
  "troubles",
  "troubles-as-node",
].map((name) => `test/e2e/${name}.test.ts`);

const e2e = {
  testTimeout: 300_000,
  hookTimeout: 300_000,
  fileParallelism: false,
  maxConcurrency: 64,
  globalSetup: ["test/e2e/support/setup.ts"],
  server,
};

export default defineConfig({
  test: {
    // On two cores: tests wait for processes and clocks more than they compute.
    maxWorkers: 3,
    projects: [
      {
        test: {
          name: "fast",
          include: ["test/**/*.test.ts"],
          exclude: ["test/e2e/**", "test/release/**", "test/scenarios/**", "test/simulation/**"],
          testTimeout: 20_000,
          server,
        },
      },
      {
        test: {
          name: "scenarios",
          include: ["test/scenarios/**/*.test.ts", "test/simulation/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 60_000,
          server,
        },
      },
      { test: { ...e2e, name: "e2e", include: ["test/e2e/**/*.test.ts"], exclude: LONG } },
      { test: { ...e2e, name: "e2e-long", include: LONG } },
      {
        test: {
          ...e2e,
          name: "e2e-release",
          include: ["test/release/**/*.test.ts"],
          globalSetup: ["test/release/setup.ts"],
        },
      },
    ],
  },
});
