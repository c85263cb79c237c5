// Events, as the Job controller, the scheduler and the kubelet write them: a repetition counts up the first.

import type { Clock } from "../../../src/base/clock.ts";
import type { JsonObject } from "../../../src/base/json.ts";
import { microTime, timestamp } from "./kube-object.ts";
import type { KubeObject } from "./kube-object.ts";
import { apiVersionOf, resourceNamed } from "./resources.ts";
import type { Store } from "./store.ts";
import { hexSuffix, newUid } from "./unique.ts";
import type { Version } from "./version.ts";

/** What is to be told. */
export interface Told {
  readonly type?: "Normal" | "Warning" | undefined;
  readonly reason: string;
  readonly message: string;
  /** The container that it is about. */
  readonly container?: string | undefined;
  readonly component: string;
}

/** Repetitions are looked for among this many events. */
const REMEMBERED = 10_000;

/** Writes events into a store. */
export class EventRecorder {
  readonly #store: Store;
  readonly #clock: Pick<Clock, "now">;
  readonly #events = resourceNamed("events");
  readonly #uids = new Map<string, string>();

  constructor(store: Store, clock: Pick<Clock, "now">) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Tells of something that happened to an object. */
  record(about: Version, told: Told): void {
    const { uid } = about.object.metadata;
    const key = [uid, told.reason, told.message, told.container].join("|");
    const earlier = this.#store.byUid(this.#uids.get(key) ?? "");
    if (earlier === undefined) this.#first(about, told, key);
    else this.#again(earlier);
  }

  #first(about: Version, told: Told, key: string): void {
    const { name, namespace = "default" } = about.object.metadata;
    const now = this.#clock.now();
    const metadata = {
      name: `${name}.${hexSuffix()}`,
      namespace,
      uid: newUid(),
      resourceVersion: "",
      creationTimestamp: timestamp(now),
    };
    const event: KubeObject = {
      metadata,
      involvedObject: involved(about, told.container),
      reason: told.reason,
      message: told.message,
      ...(told.component === "default-scheduler" ? schedulerTimes(now) : recorderTimes(now, told.component)),
      type: told.type ?? "Normal",
      reportingComponent: told.component,
      reportingInstance: "",
    };
    this.#store.add(this.#events, event);
    this.#uids.set(key, metadata.uid);
    const [oldest] = this.#uids.keys();
    if (this.#uids.size > REMEMBERED && oldest !== undefined) this.#uids.delete(oldest);
  }

  #again(earlier: Version): void {
    const count = earlier.object["count"];
    const lastTimestamp = timestamp(this.#clock.now());
    this.#store.replace(earlier, {
      ...earlier.object,
      count: (typeof count === "number" ? count : 1) + 1,
      lastTimestamp,
    });
  }
}

function involved({ type, object }: Version, container: string | undefined): JsonObject {
  const { name, namespace, uid, resourceVersion } = object.metadata;
  return {
    kind: type.kind,
    namespace,
    name,
    uid,
    apiVersion: apiVersionOf(type),
    resourceVersion,
    ...(container === undefined ? {} : { fieldPath: `spec.containers{${container}}` }),
  };
}

/** The scheduler writes events of the newer form: one precise time and no count. */
function schedulerTimes(now: Date): JsonObject {
  return {
    source: {},
    firstTimestamp: null,
    lastTimestamp: null,
    eventTime: microTime(now),
    action: "Binding",
  };
}

function recorderTimes(now: Date, component: string): JsonObject {
  const at = timestamp(now);
  return { source: { component }, firstTimestamp: at, lastTimestamp: at, count: 1, eventTime: null };
}
