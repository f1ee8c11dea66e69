import { createPrivateKey, generateKeyPairSync, randomUUID } from 'node:crypto';
import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { createSigner } from 'fast-jwt';
import { calculateJwkThumbprint } from 'jose';
import type { Config } from '#config/config';
import type { Role } from '#platform/contract/access';
import { ACCESS_TOKEN_TYPE, AccessTokens, type SigningKey, TOKEN_AUDIENCE } from '#platform/security/access-tokens';
import { Secrets } from '#platform/security/secrets';
import { CONFIG } from '#platform/settings';
import { StartError } from '#platform/start-error';
import { KeysRepository } from './keys.repository.ts';
import type { Session } from './sessions.repository.ts';

const PURPOSE = 'signing keys';

/** The keys that sign access tokens (ES256). Private ones are kept wrapped and are plain in memory only. */
@Injectable()
export class KeysService implements OnApplicationBootstrap {
  private publicKeys: SigningKey[] = [];
  private signer: ((claims: object) => string) | undefined;

  constructor(
    private readonly keys: KeysRepository,
    private readonly secrets: Secrets,
    private readonly accessTokens: AccessTokens,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    const current = (await this.keys.findCurrent()) ?? (await this.make());
    let pem: Buffer;
    try {
      pem = this.secrets.unwrap(PURPOSE, current.id, current.privateKey);
    } catch {
      throw new StartError(
        'The signing keys in the database can not be read with this SECRET_KEY: start with the key that the data was made with.',
      );
    }
    this.publicKeys = await this.keys.listPublic();
    this.signer = createSigner({
      key: createPrivateKey({ key: pem, format: 'der', type: 'pkcs8' }).export({ type: 'pkcs8', format: 'pem' }) as string,
      algorithm: 'ES256',
      kid: current.id,
      header: { alg: 'ES256', typ: ACCESS_TOKEN_TYPE },
    });
    this.accessTokens.trust(this.publicKeys, this.issuer);
  }

  get issuer(): string {
    return this.config.PUBLIC_URL ?? `http://localhost:${this.config.PORT}`;
  }

  /** Public keys, as a JWK set lists them. */
  published(): readonly SigningKey[] {
    return this.publicKeys;
  }

  /** An access token (RFC 9068) for a session. */
  sign(session: Session, roles: readonly Role[], seconds: number): string {
    const now = Math.floor(Date.now() / 1_000);
    return this.signer!({
      iss: this.issuer,
      aud: TOKEN_AUDIENCE,
      sub: session.personId,
      org: session.organizationId,
      roles,
      sid: session.id,
      auth_time: Math.floor(Date.parse(session.authenticatedAt) / 1_000),
      iat: now,
      exp: now + seconds,
      jti: randomUUID(),
    });
  }

  /** Of several processes that start at once, one makes the key and the others get that one. */
  private async make() {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const jwk = publicKey.export({ format: 'jwk' });
    const id = await calculateJwkThumbprint(jwk as never);
    const wrapped = this.secrets.wrap(PURPOSE, id, privateKey.export({ format: 'der', type: 'pkcs8' }));
    return this.keys.makeCurrent(id, { ...jwk, kid: id, alg: 'ES256', use: 'sig' } as SigningKey, wrapped);
  }
}
