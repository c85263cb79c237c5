// The keys and passwords that this process has read. Where text leaves the program they are replaced by ***.

/** Shorter ones occur by chance in names and sentences; they stay out of sight because nothing prints them. */
const MIN_LENGTH = 8;
/** So many tokens of those that are renewed are known: the older ones have expired. */
const MAX_RENEWED = 20;

const USERINFO = /(?<=\b[a-z][a-z0-9+.-]*:\/\/)[^\s/?#"'@]+@/gi;

export class Secrets {
  readonly #known = new Set<string>();
  /** The last to be added is the last here. */
  readonly #renewed = new Set<string>();
  /** In every form in which they may be printed, longest first. */
  #forms: readonly string[] = [];

  /** Adds secrets; undefined and short ones are ignored. */
  add(...secrets: readonly (string | undefined)[]): void {
    for (const secret of secrets) {
      if (secret === undefined || secret.length < MIN_LENGTH || this.#known.has(secret)) continue;
      this.#known.add(secret);
      this.#findForms();
    }
  }

  /** Adds tokens that others will replace. A process that runs for months forgets those that have not been added for long. */
  addRenewed(...tokens: readonly (string | undefined)[]): void {
    for (const token of tokens) {
      if (token === undefined || token.length < MIN_LENGTH || this.#known.has(token)) continue;
      const isNew = !this.#renewed.delete(token);
      this.#renewed.add(token);
      const [oldest = ""] = this.#renewed;
      if (this.#renewed.size > MAX_RENEWED) this.#renewed.delete(oldest);
      if (isNew) this.#findForms();
    }
  }

  #findForms(): void {
    const forms = new Set([...this.#known, ...this.#renewed].flatMap(formsOf));
    this.#forms = [...forms].sort((left, right) => right.length - left.length);
  }

  /** Adds the user's password in a URL; what follows the user is a secret even if the text is no URL. */
  addUrl(url: string | undefined): void {
    const [, password = ""] = /^(?:[a-z][a-z0-9+.-]*:)?(?:\/\/)?[^:@/]*:(.*)@/is.exec(url ?? "") ?? [];
    this.add(password, decoded(password));
  }

  /** Without the secrets, and without user and password in any URL. */
  redact(text: string): string {
    const clean = this.#forms.reduce((rest, form) => rest.replaceAll(form, "***"), text);
    return clean.includes("@") ? clean.replaceAll(USERINFO, "") : clean;
  }
}

function formsOf(secret: string): string[] {
  const inJson = JSON.stringify(secret).slice(1, -1);
  const base64 = Buffer.from(secret).toString("base64");
  return [secret, encodeURIComponent(secret), inJson, base64, base64.replace(/=+$/, "")];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
