// Child processes of a benchmark, so that a fake does not share the measured process. Commands and answers go through Node's IPC
// channel.

import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { isObject, textIn } from "../../src/base/json.ts";
import { textOf } from "../../src/base/errors.ts";

/** The commands of a child, by name. */
export type Commands = Readonly<Record<string, (input: never) => unknown>>;

interface Waiting {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** A child process with these commands; it ends on disposal, or when this process ends. */
export class Child<C extends Commands> implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;

  constructor(file: URL) {
    // graphql-js checks itself all the time if it is not in production.
    const env = { NODE_ENV: "production" };
    const options = { serialization: "advanced" as const, env, execArgv: [] };
    this.#process = fork(fileURLToPath(file), options);
    this.#process.on("message", (message) => this.#receive(message));
    this.#process.on("exit", () => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`${file.pathname} ended`));
    });
  }

  /** Runs a command in the child. Rejects if the command throws or the child ends. */
  ask<N extends keyof C & string>(name: N, input: Parameters<C[N]>[0]): Promise<Awaited<ReturnType<C[N]>>> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as Waiting["resolve"], reject });
      this.#process.send({ id, name, input });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null) return;
    const ended = once(this.#process, "exit");
    this.#process.disconnect();
    await ended;
  }

  #receive(message: unknown): void {
    if (!isObject(message)) return;
    const id = Number(message["id"]);
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    const error = textIn(message["error"]);
    if (error === undefined) waiting?.resolve(message["answer"]);
    else waiting?.reject(new Error(error));
  }
}

/** The child's side: answers commands until the parent disconnects. */
export function serve(commands: Commands): void {
  const known = new Map(Object.entries(commands));
  const answer = async (message: unknown): Promise<void> => {
    if (!isObject(message)) return;
    const { id } = message;
    const command = known.get(String(message["name"])) as ((input: unknown) => unknown) | undefined;
    try {
      send({ id, answer: await command?.(message["input"]) });
    } catch (error) {
      send({ id, error: textOf(error) });
    }
  };
  // It is no error if the parent has ended.
  const send = (message: object): void => void process.send?.(message, undefined, undefined, () => {});
  process.on("message", (message) => void answer(message));
  process.on("disconnect", () => process.exit());
}
