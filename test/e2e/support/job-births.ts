// Every Job that was ever made in a namespace: also those that were gone before anybody could list them.

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { mustKubectl } from "./kubectl.ts";

interface WatchEvent {
  readonly type: string;
  readonly object: {
    readonly metadata: { readonly uid: string; readonly labels?: Readonly<Record<string, string>> };
  };
}

/** A watch from before the first Job on. Stop it at the end. */
export class JobBirths {
  readonly #child: ChildProcess;
  readonly #runOf = new Map<string, string>();
  readonly #gone = new Set<string>();

  constructor(namespace: string) {
    const path = `/apis/batch/v1/namespaces/${namespace}/jobs`;
    const list = JSON.parse(mustKubectl(["get", "--raw", path])) as { metadata: { resourceVersion: string } };
    const query = `watch=1&resourceVersion=${list.metadata.resourceVersion}&timeoutSeconds=1800`;
    this.#child = spawn("kubectl", ["get", "--raw", `${path}?${query}`], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    if (this.#child.stdout !== null) {
      createInterface({ input: this.#child.stdout }).on("line", (line) => this.#seen(line));
    }
  }

  /** Flow run ids, one for every Job that was made, in no order. */
  get flowRunIds(): readonly string[] {
    return [...this.#runOf.values()];
  }

  /** How many of them are gone for good. */
  get goneCount(): number {
    return this.#gone.size;
  }

  stop(): void {
    this.#child.kill();
  }

  #seen(line: string): void {
    const { type, object } = JSON.parse(line) as WatchEvent;
    const { uid, labels } = object.metadata;
    this.#runOf.set(uid, labels?.["prefect.io/flow_run_id"] ?? "none");
    if (type === "DELETED") this.#gone.add(uid);
  }
}
