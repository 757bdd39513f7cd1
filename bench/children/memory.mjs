/** Preloaded into every measured process: writes the peaks of its memory to BENCH_MEMORY_FILE when it ends. */
import { writeFileSync } from 'node:fs';
import process from 'node:process';

const EVERY_MS = 20;
let peakHeapBytes = 0;

function sample() {
  const { heapUsed, external } = process.memoryUsage();
  peakHeapBytes = Math.max(peakHeapBytes, heapUsed + external);
}

setInterval(sample, EVERY_MS).unref();

process.on('exit', () => {
  sample();
  const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
  const file = process.env.BENCH_MEMORY_FILE;
  if (file === undefined) return;
  const cpuSeconds = (userCPUTime + systemCPUTime) / 1e6;
  writeFileSync(file, JSON.stringify({ peakRssBytes: maxRSS * 1024, peakHeapBytes, cpuSeconds }));
});
