import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');
const command = join(root, 'bin/fondasi.js');

/** The product as a process of its own, started the way an operator starts it. */
export class Product {
  readonly url: string;
  readonly child: ChildProcess;
  /** All that it has printed. */
  said = '';

  private constructor(port: number, env: Record<string, string>) {
    this.url = `http://127.0.0.1:${port}`;
    this.child = spawn(process.execPath, [command, 'serve'], {
      cwd: root,
      env: { ...process.env, NODE_OPTIONS: '', NODE_ENV: 'test', PORT: String(port), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.child.stdout!, this.child.stderr!]) stream.on('data', (text: Buffer) => (this.said += text));
  }

  /** Resolves when it serves. */
  static async start(port: number, env: Record<string, string>): Promise<Product> {
    const product = new Product(port, env);
    await new Promise<void>((serves, fails) => {
      product.child.stdout!.on('data', () => product.said.includes('Fondasi ') && serves());
      product.child.once('exit', (code) => fails(new Error(`It ended with ${code}: ${product.said}`)));
    });
    return product;
  }

  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill('SIGKILL');
    await once(this.child, 'exit');
  }
}
