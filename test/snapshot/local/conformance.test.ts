import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll } from 'vitest';
import { LocalView } from '../../../src/snapshot/local/local-view.ts';
import { testViews } from '../../conformance/view.ts';

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

testViews('the local copy', async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'view-'));
  folders.push(folder);
  return { open: () => LocalView.open(folder) };
});
