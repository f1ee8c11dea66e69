import { createPublicKey, type webcrypto } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { createVerifier } from 'fast-jwt';
import type { Role } from '../contract/access.ts';
import { Unauthenticated } from '../contract/platform.problems.ts';
import { Problem } from '../contract/problem.ts';
import type { Principal } from '../operations/caller.ts';

/** A public key that signs access tokens, as in a JWK set (RFC 7517). */
export type SigningKey = webcrypto.JsonWebKey & { kid: string };

/** What an access token holds (RFC 9068, with the organization and the roles in it). */
export interface AccessClaims {
  readonly iss: string;
  readonly aud: string;
  readonly sub: string;
  readonly org: string;
  readonly roles: readonly Role[];
  readonly sid: string;
  readonly auth_time: number;
  readonly iat: number;
  readonly exp: number;
  readonly jti: string;
}

export const ACCESS_TOKEN_TYPE = 'at+jwt';
export const TOKEN_AUDIENCE = 'fondasi';

/** Verified tokens that are remembered; an entry is about 1 KB. */
const REMEMBERED = 10_000;
const PURGE_EVERY_SECONDS = 60;
const CLAIMS = ['iss', 'aud', 'sub', 'org', 'roles', 'sid', 'auth_time', 'iat', 'exp'];

/**
 * Verifies access tokens, synchronously: work in libuv's thread pool would wait behind password hashing. Keys come
 * from whoever issues tokens; without keys every token is refused.
 */
@Injectable()
export class AccessTokens {
  private verifiers = new Map<string, (token: string) => AccessClaims>();
  /** Sessions ended while tokens of theirs are still unexpired: id → when the last of them ends, in seconds. */
  private readonly ended = new Map<string, number>();
  private heardAt: number | undefined;
  private nextPurge = 0;
  private remembered = new Map<string, Principal>();
  private older = new Map<string, Principal>();

  /** Replaces the keys whose signatures are accepted. */
  trust(keys: readonly SigningKey[], issuer: string): void {
    this.verifiers = new Map(
      keys.map((key) => [
        key.kid,
        createVerifier({
          key: createPublicKey({ key, format: 'jwk' }).export({ type: 'spki', format: 'pem' }) as string,
          algorithms: ['ES256'],
          allowedIss: issuer,
          allowedAud: TOKEN_AUDIENCE,
          checkTyp: ACCESS_TOKEN_TYPE,
          requiredClaims: CLAIMS,
          cache: false,
        }),
      ]),
    );
    this.forget();
  }

  /** Whoever learns of ended sessions says when it has last heard of all of them, in milliseconds of `performance.now()`. */
  heardOfAll(at: number): void {
    this.heardAt = at;
  }

  /** For how many milliseconds nothing has been heard of ended sessions; 0 where nobody listens for them. */
  silence(): number {
    return this.heardAt === undefined ? 0 : performance.now() - this.heardAt;
  }

  hasEnded(sessionId: string): boolean {
    return this.ended.has(sessionId);
  }

  /** Refuses a session's access tokens from now on, though they have not expired. */
  end(sessionId: string, untilSeconds: number): void {
    this.ended.set(sessionId, untilSeconds);
    const now = Date.now() / 1_000;
    if (now < this.nextPurge) return;
    this.nextPurge = now + PURGE_EVERY_SECONDS;
    for (const [id, until] of this.ended) if (until < now) this.ended.delete(id);
  }

  /**
   * Who the token was made for.
   * @throws Problem Unauthenticated, always with the same words: an attacker learns nothing of the reason
   */
  verify(token: string): Principal {
    const principal = this.recall(token) ?? this.check(token);
    if (principal.expiresAt <= Date.now() / 1_000 || this.ended.has(principal.sessionId)) throw new Problem(Unauthenticated);
    return principal;
  }

  private check(token: string): Principal {
    const verify = this.verifiers.get(keyIdOf(token));
    if (!verify) throw new Problem(Unauthenticated);
    let claims: AccessClaims;
    try {
      claims = verify(token);
    } catch (cause) {
      throw new Problem(Unauthenticated, undefined, { cause });
    }
    const principal: Principal = Object.freeze({
      personId: claims.sub,
      organizationId: claims.org,
      roles: claims.roles,
      sessionId: claims.sid,
      authenticatedAt: claims.auth_time,
      expiresAt: claims.exp,
    });
    this.remember(token, principal);
    return principal;
  }

  /** Two generations: the older one is dropped whole, what is still in use has moved to the younger one. */
  private remember(token: string, principal: Principal) {
    if (this.remembered.size >= REMEMBERED / 2) {
      this.older = this.remembered;
      this.remembered = new Map();
    }
    this.remembered.set(token, principal);
  }

  private recall(token: string): Principal | undefined {
    const known = this.remembered.get(token);
    if (known) return known;
    const old = this.older.get(token);
    if (old) this.remember(token, old);
    return old;
  }

  private forget() {
    this.remembered = new Map();
    this.older = new Map();
  }
}

/** Read before anything is verified, only to pick the key. */
function keyIdOf(token: string): string {
  try {
    const { kid } = JSON.parse(Buffer.from(token.slice(0, token.indexOf('.')), 'base64url').toString('utf8'));
    return typeof kid === 'string' ? kid : '';
  } catch {
    return '';
  }
}
