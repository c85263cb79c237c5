// The map in src/README.md is held against the code: who imports whom, which packages have their home where, the house rules.

import { readFileSync, readdirSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, it } from "vitest";

const SRC = join(import.meta.dirname, "..", "src");
const README = readFileSync(join(SRC, "README.md"), "utf8");

interface Row {
  readonly imports: ReadonlySet<string>;
  readonly packages: ReadonlySet<string>;
}

interface Import {
  readonly from: string;
  readonly to: string;
  readonly lazy: boolean;
  readonly typeOnly: boolean;
}

const rows = new Map<string, Row>(
  [...README.matchAll(/^\| `([\w/]+)\/` \|([^|]*)\|([^|]*)\|$/gm)].map(
    ([, folder = "", imports = "", packages = ""]) => [
      folder,
      {
        imports: new Set([...imports.matchAll(/`([\w/]+)`/g)].map(([, name = ""]) => name)),
        packages: new Set(
          packages
            .split(",")
            .map((name) => name.trim())
            .filter((name) => name !== ""),
        ),
      },
    ],
  ),
);

const files = readdirSync(SRC, { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".ts"));
const texts = new Map(files.map((path) => [path, readFileSync(join(SRC, path), "utf8")]));
const IMPORT =
  /(?:^|\n)(?:import|export)(?<type> type)?\b[^;"]*?from "(?<named>[^"]+)"|import\("(?<lazy>[^"]+)"\)|^import "(?<bare>[^"]+)"/g;

const imports: Import[] = [...texts].flatMap(([from, text]) =>
  [...text.matchAll(IMPORT)].map(({ groups }) => ({
    from,
    to: groups?.["named"] ?? groups?.["lazy"] ?? groups?.["bare"] ?? "",
    lazy: groups?.["lazy"] !== undefined,
    typeOnly: groups?.["type"] !== undefined,
  })),
);

function folderOf(path: string): string {
  return path.split("/")[0] ?? "";
}

function target({ from, to }: Import): string {
  return normalize(join(dirname(from), to));
}

const internal = imports.filter(({ to }) => to.startsWith("."));
const external = imports.filter(({ to }) => !to.startsWith(".") && !to.startsWith("node:"));

describe("the map", () => {
  it("has a row for every folder", () => {
    const folders = new Set(files.filter((path) => path.includes("/")).map(folderOf));
    expect([...rows.keys()].sort()).toEqual([...folders].sort());
  });
});

describe("dependencies", () => {
  it("follow the table", () => {
    const wrong = internal.flatMap((each) => {
      const [from, to] = [folderOf(each.from), folderOf(target(each))];
      if (from === to || !each.from.includes("/") || !target(each).includes("/")) return [];
      const allowed = rows.get(from)?.imports;
      return allowed?.has(to) === true || allowed?.has(to.split("/")[0] ?? "") === true
        ? []
        : [`${each.from} imports ${to}/`];
    });
    expect(wrong).toEqual([]);
  });

  it("keep every package in its home folder", () => {
    const wrong = external.flatMap(({ from, to }) => {
      const name = to
        .split("/")
        .slice(0, to.startsWith("@") ? 2 : 1)
        .join("/");
      return rows.get(folderOf(from))?.packages.has(name) === true ? [] : [`${from} imports ${name}`];
    });
    expect(wrong).toEqual([]);
  });

  it.each(["agent", "job"])(
    "keep %s/ free of any one Prefect: it knows the ports in orchestrator/ alone",
    (folder) => {
      const wrong = internal.filter(
        (each) => folderOf(each.from) === folder && /^prefect\d/.test(target(each)),
      );
      expect(wrong).toEqual([]);
    },
  );

  it("let the inventory look, and not clean up", () => {
    const wrong = internal.filter(
      (each) => folderOf(each.from) === "inventory" && folderOf(target(each)) === "cleanup",
    );
    expect(wrong).toEqual([]);
  });

  it("form no circle, neither of files nor of folders", () => {
    const edges = internal.map((each) => [each.from, target(each)] as const);
    const between = edges.map(([from, to]) => [folderOf(from), folderOf(to)] as const);
    expect(circle(edges)).toEqual([]);
    expect(circle(between.filter(([from, to]) => from !== to))).toEqual([]);
  });

  it("leave tests and scripts outside", () => {
    expect(internal.filter((each) => /^\.\.\/(?:test|scripts)\b/.test(target(each)))).toEqual([]);
  });

  it("keep launch and supervise apart", () => {
    const wrong = internal.filter((each) => {
      const [from, to] = [each.from, target(each)];
      const journeys = ["agent/launch/", "agent/supervise/"];
      return journeys.some(
        (one) => from.startsWith(one) && journeys.some((other) => other !== one && to.startsWith(other)),
      );
    });
    expect(wrong).toEqual([]);
  });

  it("load adapters and heavy packages only when they are used", () => {
    const heavy = /^(?:@aws-sdk\/|@google-cloud\/|prom-client|graphql)/;
    // They are imported themselves only where they are used: by connect.ts and credentials.ts.
    const loadedOnUse = new Set(["prefect1/graphql.ts", "prefect1/errors.ts"]);
    const eager = imports.filter((each) => {
      if (each.lazy || each.typeOnly) return false;
      if (/^(?:kube\/client|prefect1)\/connect\.ts$/.test(target(each))) return each.from.startsWith("cli/");
      return heavy.test(each.to) && !loadedOnUse.has(each.from);
    });
    expect(eager.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
  });
});

describe("house rules", () => {
  const pure = [...texts].filter(
    ([path]) =>
      /^(?:job|install|prefect1\/build)\//.test(path) && path !== "prefect1/build/template-sources.ts",
  );

  it.each([
    { rule: "no async", pattern: /\basync\b|\bawait\b/ },
    { rule: "no clock of their own", pattern: /Date\.now\(|new Date\(\)/ },
    { rule: "no process", pattern: /\bprocess\./ },
  ])("pure code has $rule", ({ pattern }) => {
    expect(pure.filter(([, text]) => pattern.test(withoutComments(text))).map(([path]) => path)).toEqual([]);
  });

  it("only main.ts, the command line's context and version know the process", () => {
    const allowed = new Set(["main.ts", "cli/context.ts", "cli/commands/version.ts"]);
    const wrong = [...texts].filter(
      ([path, text]) =>
        !allowed.has(path) &&
        /\bprocess\.(?:env|argv|exit|stdout|stderr|stdin)\b/.test(withoutComments(text)),
    );
    expect(wrong.map(([path]) => path)).toEqual([]);
  });

  it("only the kubeconfig's exec plugins and a browser are started, and nothing makes code of text", () => {
    const started = imports.filter(({ to }) => /^(?:node:)?(?:child_process|cluster|vm)$/.test(to));
    expect([...new Set(started.map(({ from }) => from))].sort()).toEqual([
      "cli/commands/open.ts",
      "kube/auth/exec-plugin.ts",
    ]);
    const made = [...texts].filter(([, text]) => /\beval\(|\bnew Function\b/.test(withoutComments(text)));
    expect(made.map(([path]) => path)).toEqual([]);
  });

  it("certificates are checked unless the kubeconfig or Prefect's settings say otherwise", () => {
    const lax = [...texts].filter(([, text]) =>
      /rejectUnauthorized: |NODE_TLS_REJECT_UNAUTHORIZED/.test(withoutComments(text)),
    );
    expect(lax.map(([path]) => path).sort()).toEqual(["kube/auth/credentials.ts", "prefect3/client.ts"]);
  });

  it("every file opens with what it is for", () => {
    expect([...texts].filter(([, text]) => !text.startsWith("// ")).map(([path]) => path)).toEqual([]);
  });

  it("no name attracts everything", () => {
    expect(
      files.filter((path) =>
        /(?:^|\/)(?:utils?|helpers?|common|misc|shared|index|constants)\.ts$/.test(path),
      ),
    ).toEqual([]);
  });
});

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "");
}

/** What lies on a circle or leads to one only: what remains when all that imports nothing left is taken away, again and again. */
function circle(edges: readonly (readonly [string, string])[]): readonly string[] {
  let left = edges;
  for (;;) {
    const importing = new Set(left.map(([from]) => from));
    const rest = left.filter(([, to]) => importing.has(to));
    if (rest.length === left.length) return [...new Set(rest.map(([from, to]) => `${from} → ${to}`))];
    left = rest;
  }
}
