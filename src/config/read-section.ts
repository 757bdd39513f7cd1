import { z } from 'zod';
import { suggestName } from '../core/nearest.ts';
import type { Problem } from '../core/problem.ts';
import type { Path, SourceDocument } from './document.ts';
import type { LeafIssue } from './leaf.ts';
import { UNRESOLVED } from './read-document.ts';
import { hasVariable } from './variables.ts';

type Schema = z.core.$ZodType;
type Shape = Readonly<Record<string, Schema>>;

/** Keys that a later version knows, with what to say about them. */
export type LaterKeys = Readonly<Record<string, string>>;

/**
 * Reads an object key by key, so that one wrong key hides nothing that is wrong with the others: what is right is returned, what is wrong is reported.
 * Records (fields, warehouses) are read entry by entry for the same reason.
 */
export function readSection<S extends z.ZodRawShape>(
  schema: z.ZodObject<S>,
  document: SourceDocument,
  report: (problem: Problem) => void,
  later: LaterKeys = {},
): Partial<z.output<z.ZodObject<S>>> {
  const shape: Shape = schema.shape;
  const read: Record<string, unknown> = {};
  for (const key of Object.keys(document.value)) {
    if (!Object.hasOwn(shape, key)) report(unknownKey(document, [key], Object.keys(shape), later));
  }
  for (const [key, inner] of Object.entries(shape)) {
    const raw = Object.hasOwn(document.value, key) ? document.value[key] : undefined;
    const entries = entrySchema(inner);
    const value =
      entries !== undefined && isObject(raw)
        ? readEntries(entries, document, [key], raw, report)
        : readValue(inner, document, [key], raw, report);
    if (value !== undefined) read[key] = value;
  }
  // Every value came out of the schema of its key.
  return read as Partial<z.output<z.ZodObject<S>>>;
}

function readEntries(
  schema: Schema,
  document: SourceDocument,
  path: Path,
  raw: object,
  report: (problem: Problem) => void,
): Record<string, unknown> {
  const read: Record<string, unknown> = Object.create(null);
  for (const [name, value] of Object.entries(raw)) {
    const entry = readValue(schema, document, [...path, name], value, report);
    if (entry !== undefined) read[name] = entry;
  }
  return read;
}

function readValue(schema: Schema, document: SourceDocument, path: Path, raw: unknown, report: (problem: Problem) => void): unknown {
  if (raw === UNRESOLVED) return undefined;
  const parsed = z.safeParse(schema, raw);
  if (parsed.success) return parsed.data;
  for (const issue of parsed.error.issues) for (const problem of problemsOf(issue, schema, raw, document, path)) report(problem);
  return undefined;
}

/** One zod issue as problems; none for a value that was reported when it was read. */
function problemsOf(issue: z.core.$ZodIssue, schema: Schema, raw: unknown, document: SourceDocument, base: Path): readonly Problem[] {
  const inner = issue.path.map((step) => (typeof step === 'number' ? step : String(step)));
  const path = [...base, ...inner];
  const value = valueAt(raw, inner);
  if (value === UNRESOLVED) return [];
  if (issue.code === 'unrecognized_keys') {
    const known = Object.keys(shapeAt(schema, inner, raw) ?? {});
    return issue.keys.map((key) => unknownKey(document, [...path, key], known, {}));
  }
  if (issue.code === 'invalid_union') return unionProblems(issue, schema, raw, document, base, inner);
  const params = issue.code === 'custom' ? (issue.params as Partial<LeafIssue> | undefined) : undefined;
  if (params?.leaf !== undefined) {
    const { refused, suggestion, detail, show = true } = params.leaf;
    const written = show ? document.written(path) : undefined;
    const literal = written !== undefined && !hasVariable(written);
    const message = `${written === undefined ? subject(path) : `\`${shorten(written)}\``} ${refused}${detail !== undefined && literal ? `: ${detail.replace(/\.$/, '')}` : ''}.`;
    return [document.problem(path, message, suggestion)];
  }
  if (value === undefined) return [document.problem(path, `${subject(path)} is missing.`)];
  if (value === null) return [document.problem(path, `${subject(path)} has no value.`, 'Give it one, or remove the key.')];
  return [document.problem(path, `${subject(path)} ${structureMessage(issue)}.`)];
}

const OPTION_NOUNS: Readonly<Record<string, string>> = { type: 'warehouse type', mechanism: 'mechanism' };

function unionProblems(
  issue: z.core.$ZodIssueInvalidUnion,
  schema: Schema,
  raw: unknown,
  document: SourceDocument,
  base: Path,
  inner: Path,
): readonly Problem[] {
  const path = [...base, ...inner];
  if (issue.discriminator !== undefined) {
    const at = path.at(-1) === issue.discriminator ? path : [...path, issue.discriminator];
    const object = valueAt(raw, path.at(-1) === issue.discriminator ? inner.slice(0, -1) : inner);
    if (!isObject(object)) return [document.problem(path, `${subject(path)} must hold keys with values.`)];
    const options = discriminators(
      schemaAt(schema, inner.at(-1) === issue.discriminator ? inner.slice(0, -1) : inner, raw),
      issue.discriminator,
    );
    const chosen = (object as Readonly<Record<string, unknown>>)[issue.discriminator];
    if (chosen === UNRESOLVED) return [];
    const noun = OPTION_NOUNS[issue.discriminator] ?? issue.discriminator;
    if (chosen === undefined) return [document.problem(at, `The ${noun} is missing.`, `Write one of: ${options.join(', ')}.`)];
    const written = document.written(at);
    return [
      document.problem(
        at,
        `${written === undefined ? 'This' : `\`${shorten(written)}\``} is not a known ${noun}.`,
        typeof chosen === 'string' ? suggestName(chosen, options) : undefined,
      ),
    ];
  }
  // The branch that the value was meant for is the one that objects to something inside of it.
  const branch = issue.errors.find((issues) => issues.every((each) => each.path.length > 0 || each.code === 'unrecognized_keys'));
  if (branch !== undefined) {
    return branch.flatMap((each) =>
      problemsOf({ ...each, path: [...issue.path, ...each.path] } as z.core.$ZodIssue, schema, raw, document, base),
    );
  }
  const allowed = issue.errors.flat().map(allowedForm);
  return [document.problem(path, `${subject(path)} must be ${[...new Set(allowed.filter((word) => word !== ''))].join(', or ')}.`)];
}

const NOUNS: Readonly<Record<string, string>> = {
  object: 'keys with values',
  record: 'keys with values',
  array: 'a list',
  string: 'text',
  boolean: 'true or false',
};

function allowedForm(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_value') return issue.values.map(String).join(' or ');
  if (issue.code === 'invalid_type') return NOUNS[issue.expected] ?? issue.expected;
  return issue.code === 'custom' ? issue.message.replace(/^must be /, '') : '';
}

function structureMessage(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type') return `must be ${NOUNS[issue.expected] ?? issue.expected}`;
  if (issue.code === 'invalid_value') return `must be ${issue.values.map(String).join(' or ')}`;
  if (issue.code === 'too_small') return 'must not be empty';
  return 'is not allowed here';
}

function unknownKey(document: SourceDocument, path: Path, known: readonly string[], later: LaterKeys): Problem {
  const key = String(path.at(-1));
  const notYet = Object.hasOwn(later, key) ? later[key] : undefined;
  if (notYet !== undefined) return document.problem(path, `\`${key}\` is not supported in this version.`, notYet);
  return document.problem(path, `\`${shorten(key)}\` is not a key that is known here.`, suggestName(key, known));
}

function subject(path: Path): string {
  const last = path.at(-1);
  return typeof last === 'string' ? `\`${shorten(last)}\`` : 'This';
}

function shorten(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length <= 60 ? line : `${line.slice(0, 57)}…`;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function valueAt(raw: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, step) =>
      typeof value === 'object' && value !== null && Object.hasOwn(value, step)
        ? (value as Readonly<Record<string | number, unknown>>)[step]
        : undefined,
    raw,
  );
}

/** The schema below wrappers: optional, and the input of a transform. */
function unwrap(schema: Schema): Schema {
  if (schema instanceof z.ZodOptional) return unwrap(schema.unwrap());
  return schema;
}

function entrySchema(schema: Schema): Schema | undefined {
  const inner = unwrap(schema);
  return inner instanceof z.ZodRecord ? inner.valueType : undefined;
}

/** The schema that a value at this path is parsed with. */
function schemaAt(schema: Schema, path: Path, raw: unknown): Schema | undefined {
  const inner = unwrap(schema);
  if (inner instanceof z.ZodUnion) {
    const option = inner.options.find(
      (each) => path.length > 0 && schemaAt(each, path.slice(0, 1), raw) !== undefined && accepts(each, raw),
    );
    return path.length === 0 ? inner : option === undefined ? undefined : schemaAt(option, path, raw);
  }
  const [step, ...rest] = path;
  if (step === undefined) return inner;
  const next =
    inner instanceof z.ZodObject
      ? (inner.shape as Shape)[String(step)]
      : inner instanceof z.ZodRecord
        ? inner.valueType
        : inner instanceof z.ZodArray
          ? inner.element
          : undefined;
  return next === undefined ? undefined : schemaAt(next, rest, valueAt(raw, [step]));
}

/** The keys of the object that stands at this path. */
function shapeAt(schema: Schema, path: Path, raw: unknown): Shape | undefined {
  const found = schemaAt(schema, path, raw);
  const value = valueAt(raw, path);
  const option = found instanceof z.ZodUnion ? found.options.find((each) => accepts(each, value)) : found;
  return option instanceof z.ZodObject ? option.shape : undefined;
}

/** Whether a union's option is the one meant by an object: its literal members, if it has any, agree. */
function accepts(option: Schema, raw: unknown): boolean {
  if (!(option instanceof z.ZodObject) || !isObject(raw)) return false;
  return Object.entries(option.shape as Shape).every(
    ([key, inner]) => !(inner instanceof z.ZodLiteral || inner instanceof z.ZodEnum) || z.safeParse(inner, valueAt(raw, [key])).success,
  );
}

function discriminators(schema: Schema | undefined, key: string): readonly string[] {
  if (!(schema instanceof z.ZodUnion)) return [];
  return schema.options.flatMap((option) => {
    const inner = option instanceof z.ZodObject ? (option.shape as Shape)[key] : undefined;
    if (inner instanceof z.ZodLiteral) return [...inner.values].map(String);
    return inner instanceof z.ZodEnum ? inner.options.map(String) : [];
  });
}
