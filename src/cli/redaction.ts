/** A shorter value may stand in any text by chance. */
const SHORTEST = 8;

/** Promise 10, the last line of it: takes secrets out of texts by their values, in whatever a library or a server has put them. */
export class Redaction {
  readonly #forms = new Set<string>();

  /** From here on. Values with fewer than 8 characters are not looked for. */
  hide(secrets: Iterable<string>): void {
    for (const secret of secrets) {
      if (secret.length < SHORTEST) continue;
      this.#forms.add(secret).add(JSON.stringify(secret).slice(1, -1)).add(encodeURIComponent(secret));
    }
  }

  clean(text: string): string {
    let cleaned = text;
    for (const form of this.#forms) cleaned = cleaned.replaceAll(form, '[secret]');
    return cleaned;
  }
}
