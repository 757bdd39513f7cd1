import { InvalidArgumentError } from 'commander';
import { parseListenAddress } from '../config/listen-address.ts';
import type { ListenAddress } from '../config/project.ts';

/** `a, b`: texts separated by commas. */
export function list(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

/** Throws what commander reports as an invalid argument. */
export function positiveInteger(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('It is a whole number from 1 on.');
  return Number(text);
}

/** `127.0.0.1:7420`, `7420`. Throws what commander reports as an invalid argument. */
export function listenOn(text: string): ListenAddress {
  const parsed = parseListenAddress(text);
  if ('value' in parsed) return parsed.value;
  throw new InvalidArgumentError('It is host:port, or a port alone.');
}
