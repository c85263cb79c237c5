// The dashboard and the alert rules are held against the metrics that the agent serves.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { LOOPS } from "../src/agent/server/health.ts";
import { systemClock } from "../src/base/clock.ts";
import { Metrics } from "../src/agent/server/metrics.ts";

const FOLDER = join(import.meta.dirname, "..", "docs");
const textOf = (name: string): string => readFileSync(join(FOLDER, name), "utf8");

interface Dashboard {
  readonly panels: readonly {
    readonly title: string;
    readonly targets: readonly { readonly expr: string }[];
  }[];
}

interface Rules {
  readonly groups: readonly {
    readonly rules: readonly {
      readonly alert: string;
      readonly expr: string;
      readonly annotations: Readonly<Record<string, string>>;
    }[];
  }[];
}

const dashboard = JSON.parse(textOf("monitoring/grafana-dashboard.json")) as Dashboard;
const rules = (parse(textOf("monitoring/alerts.yaml")) as Rules).groups.flatMap((group) => group.rules);
const expressions = {
  "grafana-dashboard.json": dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
  "alerts.yaml": rules.map(({ expr }) => expr),
  "monitoring.md": [...textOf("monitoring.md").matchAll(/```promql\n([\s\S]*?)```/g)].map(
    ([, code = ""]) => code,
  ),
};

/** Every name that a metric has in Prometheus: a histogram has three. */
async function served(): Promise<ReadonlySet<string>> {
  const metrics = new Metrics(systemClock);
  await metrics.open();
  const gauges = { liveJobs: 0, inFlight: 0, watchRestarts: 0, limit: 1 };
  const { body } = await metrics.text(gauges);
  const types = [...body.matchAll(/^# TYPE kubectl_prefect_(\w+) (\w+)$/gm)];
  return new Set(
    types.flatMap(([, name = "", type]) =>
      type === "histogram" ? [`${name}_bucket`, `${name}_count`, `${name}_sum`] : [name],
    ),
  );
}

function namesIn(text: string): readonly string[] {
  return [...text.matchAll(/kubectl_prefect_(\w+)/g)].map(([, name = ""]) => name);
}

describe.each(Object.entries(expressions))("%s", (_, texts) => {
  it("names only metrics that the agent serves", async () => {
    const known = await served();
    expect(texts.length).toBeGreaterThan(0);
    for (const text of texts) expect(namesIn(text).filter((name) => !known.has(name))).toEqual([]);
  });

  it("names only loops that the agent has, and whole expressions", () => {
    for (const text of texts) {
      const loops = [...text.matchAll(/loop=~?"([^"]*)"/g)].flatMap(([, names = ""]) => names.split("|"));
      expect(loops.filter((loop) => !(LOOPS as readonly string[]).includes(loop))).toEqual([]);
      for (const [open, close] of ["()", "[]", "{}"])
        expect(text.split(open ?? "")).toHaveLength(text.split(close ?? "").length);
    }
  });
});

describe("the dashboard", () => {
  it("shows every metric", async () => {
    const shown = new Set(expressions["grafana-dashboard.json"].flatMap(namesIn));
    const missing = [...(await served())].filter(
      (name) => !/_(?:sum|count|bucket)$/.test(name) && !shown.has(name),
    );
    expect(missing).toEqual([]);
  });
});

describe("docs/monitoring.md", () => {
  it("lists every metric", async () => {
    const listed = new Set(
      [...textOf("monitoring.md").matchAll(/^\| `(\w+)` /gm)].map(([, name = ""]) => name),
    );
    const names = [...(await served())].map((name) => name.replace(/_(?:sum|count|bucket)$/, ""));
    expect(names.filter((name) => !listed.has(name))).toEqual([]);
  });
});

describe("every alert", () => {
  it("says what has happened, and where to look", () => {
    expect(rules.map(({ alert, annotations }) => [alert, Object.keys(annotations).toSorted()])).toEqual(
      rules.map(({ alert }) => [alert, ["runbook", "summary"]]),
    );
  });
});
