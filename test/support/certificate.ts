import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A certificate for this machine, for a test that speaks TLS. */
export class Certificate {
  private readonly folder = mkdtempSync(join(tmpdir(), 'fondasi-tls-'));
  readonly certFile = join(this.folder, 'cert.pem');
  readonly keyFile = join(this.folder, 'key.pem');
  readonly ca: Buffer;

  constructor() {
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'];
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
    const files = ['-keyout', this.keyFile, '-out', this.certFile];
    execFileSync('openssl', ['req', '-x509', '-nodes', '-days', '2', ...curve, ...files, ...subject], { stdio: 'ignore' });
    this.ca = readFileSync(this.certFile);
  }

  get settings(): Record<string, string> {
    return { TLS_CERT_FILE: this.certFile, TLS_KEY_FILE: this.keyFile };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}
