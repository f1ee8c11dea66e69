import { connect } from 'node:net';
import { describe } from 'vitest';

/** What the tests use where it answers. The embedded database needs none of them. */
const services = {
  redis: { label: 'Redis', variable: 'REDIS_URL', url: 'redis://127.0.0.1:6379', port: 6379 },
  rabbitmq: { label: 'RabbitMQ', variable: 'RABBITMQ_URL', url: 'amqp://guest:guest@127.0.0.1:5672', port: 5672 },
  postgres: { label: 'PostgreSQL', variable: 'POSTGRES_URL', url: 'postgres://postgres@127.0.0.1:5432/postgres', port: 5432 },
} as const;

export type ServiceName = keyof typeof services;

export interface Service {
  readonly url: string;
  readonly answers: boolean;
  /** `describe` for tests that need the service: left out, and named at the end of the run, where it doesn't answer. */
  describe(name: string, define: () => void): void;
}

/**
 * Looks whether the service answers, at its URL from the environment or at its standard port on this machine.
 * With REQUIRE_SERVICES=1 one that doesn't is an error.
 */
export async function service(name: ServiceName): Promise<Service> {
  const { label, variable, url: standard, port } = services[name];
  const url = process.env[variable] || standard;
  const { hostname, port: givenPort } = new URL(url);
  const answers = await accepts(hostname, Number(givenPort) || port);
  const reason = `${label} doesn't answer at ${hostname}:${givenPort || port}; ${variable} names another one`;
  if (!answers && process.env['REQUIRE_SERVICES'] === '1') throw new Error(`REQUIRE_SERVICES=1, but ${reason}.`);
  return {
    url,
    answers,
    describe: (title, define) => void describe.runIf(answers)(answers ? title : leftOutTitle(title, reason), define),
  };
}

/** The title of tests that are left out; the closing reporter reads the reason from it. */
export const leftOutTitle = (title: string, reason: string) => `${title} [left out: ${reason}]`;

function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 2000 });
    const end = (answers: boolean) => {
      socket.destroy();
      resolve(answers);
    };
    socket.once('connect', () => end(true));
    socket.once('timeout', () => end(false));
    socket.once('error', () => end(false));
  });
}
