import { describe, expect, it } from 'vitest';
import { Health } from './health.ts';

const works = async () => {};
const fails = async () => {
  throw new Error('password authentication failed for user app at 10.0.0.5');
};

describe('readiness', () => {
  it('is given while every check passes', async () => {
    const health = new Health();
    health.register('database', works);
    expect(await health.ready()).toEqual({ status: 200, body: { status: 'up', checks: { database: 'up' } } });
  });

  it('is taken back when one fails, and tells why to the log only', async () => {
    const told: unknown[] = [];
    const health = new Health((name, error) => told.push([name, (error as Error).message]));
    health.register('database', fails);
    health.register('redis', works);
    const report = await health.ready();
    expect(report).toEqual({ status: 503, body: { status: 'down', checks: { database: 'down', redis: 'up' } } });
    expect(told).toEqual([['database', expect.stringContaining('10.0.0.5')]]);
  });

  it('is taken back when a check hangs', async () => {
    const health = new Health();
    health.register('broker', () => new Promise(() => {}));
    expect((await health.ready()).body.checks).toEqual({ broker: 'down' });
  });

  it('ends when the process is about to stop, while it still lives', async () => {
    const health = new Health();
    health.register('database', works);
    health.drain();
    expect((await health.ready()).status).toBe(503);
    expect(health.live().status).toBe(200);
  });

  it('asks once for probes that come together', async () => {
    let asked = 0;
    const health = new Health();
    health.register('database', async () => void asked++);
    await Promise.all([health.ready(), health.ready(), health.ready()]);
    expect(asked).toBe(1);
  });
});
