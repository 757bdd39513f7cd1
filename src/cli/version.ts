import manifest from '../../package.json' with { type: 'json' };

/** Of package.json. */
export function readVersion(): string {
  return manifest.version;
}
