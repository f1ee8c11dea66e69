import { addressKey } from './rate-limits.ts';

/** How many connections or streams each network address holds open; one IPv6 customer counts as one address. */
export class HeldByAddress {
  private readonly held = new Map<string, number>();
  private readonly most: number;

  constructor(most: number) {
    this.most = most;
  }

  hasMost(address: string): boolean {
    return (this.held.get(addressKey(address)) ?? 0) >= this.most;
  }

  take(address: string): void {
    const key = addressKey(address);
    this.held.set(key, (this.held.get(key) ?? 0) + 1);
  }

  release(address: string): void {
    const key = addressKey(address);
    const left = (this.held.get(key) ?? 0) - 1;
    if (left > 0) this.held.set(key, left);
    else this.held.delete(key);
  }
}
