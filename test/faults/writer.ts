import { fileURLToPath } from 'node:url';

/** How a fault run starts the application that it kills, and writes to it. Another application is another Writer. */
export interface Writer {
  /** Program and arguments, started in the package's folder. */
  command: readonly [string, ...string[]];
  environment(dataDir: string): Record<string, string>;
  /** The address that it listens on, once it has printed that it is ready. */
  address(printed: string): string | undefined;
  /** Waits until the application's limits allow one more write; called before each `write`, and not counted as one under way. */
  turn?(address: string): Promise<void>;
  /** Resolves when the write is acknowledged, and then it must be found for ever; rejects otherwise. Different ids at the same time. */
  write(address: string, id: string, text: string): Promise<void>;
  /** The ids of everything written. */
  written(address: string): Promise<Set<string>>;
}

/** The smallest real application: `ledger.ts` holds the embedded database and inserts a row per request. */
export const ledgerWriter: Writer = {
  command: [process.execPath, '--conditions=source', fileURLToPath(new URL('ledger.ts', import.meta.url))],
  environment: (dataDir) => ({ DATA_DIR: dataDir }),
  address: (printed) => /^listening on (\S+)$/m.exec(printed)?.[1],
  write: async (address, id, text) => {
    const answer = await fetch(`${address}/${id}`, { method: 'POST', body: text, signal: AbortSignal.timeout(30_000) });
    if (answer.status !== 201) throw new Error(`${answer.status} ${await answer.text()}`);
    await answer.arrayBuffer();
  },
  written: async (address) => {
    const answer = await fetch(address, { signal: AbortSignal.timeout(30_000) });
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
    return new Set((await answer.text()).split('\n').filter(Boolean));
  },
};
