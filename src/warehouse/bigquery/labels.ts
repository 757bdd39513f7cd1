import type { ScanPurpose } from '../warehouse.ts';

/** What the scan's job is labelled with: what the configuration says, and for whom the scan is, as far as labels can hold it. */
export function labelsOf(
  written: Readonly<Record<string, string>>,
  purpose: Partial<ScanPurpose> | undefined,
): Readonly<Record<string, string>> {
  const own = purpose === undefined ? [] : Object.entries(purpose).map(([name, value]) => [`headrace_${name}`, labelValue(value)] as const);
  return { ...written, ...Object.fromEntries(own) };
}

/** Lower-case letters, digits, `_` and `-`, at most 63. https://cloud.google.com/bigquery/docs/labels-intro#requirements */
function labelValue(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/[^\p{Ll}\p{Lo}\p{N}_-]/gu, '_')
    .slice(0, 63);
}
