// The code blocks of a Markdown text.

/** One code block. */
export interface Block {
  /** What stands behind the opening fence: `sh`, `yaml` …, or "". */
  readonly language: string;
  /** Of its first line of code, from 1. */
  readonly line: number;
  readonly text: string;
}

/** All blocks between lines of three backticks. A fence may be indented, as in a list. */
export function blocksOf(markdown: string): readonly Block[] {
  return [...markdown.matchAll(/^( *)```(\w*)\n([\s\S]*?)^ *```$/gm)].map(
    ([, indent = "", language = "", text = ""], at, all) => {
      const before = markdown.slice(0, all[at]?.index ?? 0);
      return {
        language,
        line: before.split("\n").length + 1,
        text: text.replaceAll(new RegExp(`^${indent}`, "gm"), ""),
      };
    },
  );
}

/** What a shell is to run: a block of commands as it is, of a transcript the lines after `$ `; "" for any other block. */
export function shellOf({ language, text }: Block): string {
  if (language === "sh") return text;
  if (language !== "") return "";
  return [...text.matchAll(/^\$ (.*\n)/gm)].map(([, command = ""]) => command).join("");
}

/** The file that a block of settings names in its first line: `# ~/.prefect/config.toml`. */
export function fileNamedBy({ text }: Block): string | undefined {
  return /^# (?:file )?([~\w./-]+\.(?:toml|ya?ml|json))\n/.exec(text)?.[1];
}
