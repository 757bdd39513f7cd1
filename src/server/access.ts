import { createHash, timingSafeEqual } from 'node:crypto';
import type { ApiRole, ApiToken } from '../config/project.ts';

/** What a route lets somebody do. */
export type Right = 'read' | 'operate' | 'approve';

const RIGHTS: Readonly<Record<ApiRole, readonly Right[]>> = {
  viewer: ['read'],
  operator: ['read', 'operate'],
  approver: ['read', 'approve'],
};

export function mayDo({ role }: Pick<ApiToken, 'role'>, right: Right): boolean {
  return RIGHTS[role].includes(right);
}

/**
 * The holder of the token that an Authorization header (`Bearer …`, RFC 6750) shows; undefined for none. How long it takes tells nothing about the tokens: digests of
 * one length are compared, each with each.
 */
export function holderOf(header: string | undefined, tokens: readonly ApiToken[]): ApiToken | undefined {
  const shown = digestOf(/^Bearer +([\x21-\x7e]+) *$/i.exec(header ?? '')?.[1] ?? '');
  let holder: ApiToken | undefined;
  for (const token of tokens) if (timingSafeEqual(digestOf(token.token), shown)) holder = token;
  return holder;
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** Headers that browsers set, and scripts in them cannot. */
export interface RequestOrigin {
  readonly host: string | undefined;
  readonly origin: string | undefined;
  readonly site: string | undefined;
}

/**
 * Why a request is refused as that of another site; undefined where it is none. A page that somebody has open must not speak to the daemon (CSRF), nor may a name that
 * was made to point here (DNS rebinding). https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html
 */
export function foreignSite(
  { host = '', origin, site }: RequestOrigin,
  listener: { readonly isLoopback: boolean; readonly scheme: string },
): string | undefined {
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return 'The request comes from another site.';
  if (origin !== undefined && origin !== `${listener.scheme}://${host}`) return 'The request comes from another origin.';
  const name = host.replace(/:\d+$/, '');
  const isHere = name === 'localhost' || name === '[::1]' || /^127(\.\d{1,3}){3}$/.test(name);
  return listener.isLoopback && !isHere ? 'The name in the header Host is none of this machine.' : undefined;
}
