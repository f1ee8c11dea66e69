import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';

const NONCE = 12;
const TAG = 16;

/** Keys for single purposes, derived from the one secret key, so that none of them tells anything about another. */
export class Secrets {
  private readonly master: Buffer;

  constructor(secretKey: string) {
    this.master = Buffer.from(secretKey, 'base64url');
  }

  /** 32 bytes for one purpose. */
  key(purpose: string): Buffer {
    return Buffer.from(hkdfSync('sha256', this.master, '', `fondasi ${purpose}`, 32));
  }

  /** AES-256-GCM: what is stored can't be read or changed without the secret key. `context` binds it to its row. */
  wrap(purpose: string, context: string, plain: Buffer): Buffer {
    const nonce = randomBytes(NONCE);
    const cipher = createCipheriv('aes-256-gcm', this.key(purpose), nonce).setAAD(Buffer.from(context));
    return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  }

  /** @throws Error when the key, the context or the bytes are not those it was wrapped with */
  unwrap(purpose: string, context: string, wrapped: Buffer): Buffer {
    const decipher = createDecipheriv('aes-256-gcm', this.key(purpose), wrapped.subarray(0, NONCE)).setAAD(Buffer.from(context));
    decipher.setAuthTag(wrapped.subarray(-TAG));
    return Buffer.concat([decipher.update(wrapped.subarray(NONCE, -TAG)), decipher.final()]);
  }

  /** A keyed hash: tells whether two texts are the same without keeping either. */
  fingerprint(purpose: string, text: string): Buffer {
    return createHmac('sha256', this.key(purpose)).update(text).digest();
  }
}
