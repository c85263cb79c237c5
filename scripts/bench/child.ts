// Programs beside the one that measures: each part of a figure gets a process of its own, so that a fake does not
// take the processor from what is measured. Questions and answers go over Node's own channel between processes.

import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { isObject, textIn } from "../../src/base/json.ts";
import { textOf } from "../../src/base/errors.ts";

/** What a child can be asked, by name. */
export type Commands = Readonly<Record<string, (given: never) => unknown>>;

interface Waiting {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** A child that answers these commands; it ends when it is disposed of, and when this process ends. */
export class Child<C extends Commands> implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  #asked = 0;

  constructor(file: URL) {
    const options = { serialization: "advanced" as const, env: {}, execArgv: [] };
    this.#process = fork(fileURLToPath(file), options);
    this.#process.on("message", (message) => this.#answered(message));
    this.#process.on("exit", () => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`${file.pathname} ended`));
    });
  }

  /** Asks, and waits for the answer. Rejects when the command throws or the child ends. */
  ask<N extends keyof C & string>(name: N, given: Parameters<C[N]>[0]): Promise<Awaited<ReturnType<C[N]>>> {
    const id = ++this.#asked;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as Waiting["resolve"], reject });
      this.#process.send({ id, name, given });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null) return;
    const ended = once(this.#process, "exit");
    this.#process.disconnect();
    await ended;
  }

  #answered(message: unknown): void {
    if (!isObject(message)) return;
    const id = Number(message["id"]);
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    const error = textIn(message["error"]);
    if (error === undefined) waiting?.resolve(message["answer"]);
    else waiting?.reject(new Error(error));
  }
}

/** The child's side: answers until the parent lets go of it. */
export function serve(commands: Commands): void {
  const known = new Map(Object.entries(commands));
  const answer = async (message: unknown): Promise<void> => {
    if (!isObject(message)) return;
    const { id } = message;
    const command = known.get(String(message["name"])) as ((given: unknown) => unknown) | undefined;
    try {
      tell({ id, answer: await command?.(message["given"]) });
    } catch (error) {
      tell({ id, error: textOf(error) });
    }
  };
  // A parent that has gone meanwhile wants no answer, and that is no error.
  const tell = (message: object): void => void process.send?.(message, undefined, undefined, () => {});
  process.on("message", (message) => void answer(message));
  process.on("disconnect", () => process.exit());
}
