/**
 * Names in Protobuf (https://protobuf.dev/programming-guides/style/). Validation needs them to refuse names that would fall together, and the encoding to write
 * them, so they stand here.
 */

/** `plan_code`, `planCode` → `PlanCode`. */
export function pascalCase(name: string): string {
  return name
    .split(/[^A-Za-z0-9]+/)
    .filter((word) => word !== '')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');
}

/** `planCode` → `PLAN_CODE`. */
export function upperSnakeCase(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/_+/g, '_')
    .replace(/^_|_$/g, '')
    .toUpperCase();
}

/** What protoc compares: two fields of a message must differ by more than case and underscores, or their names in JSON and in classes are the same. */
export function protoFolded(name: string): string {
  return name.replaceAll('_', '').toLowerCase();
}

/** The value of an enum: prefixed, because the values of all enums of one message share a scope. */
export function protoSymbol(enumName: string, symbol: string): string {
  return `${upperSnakeCase(enumName)}_${symbol}`;
}
