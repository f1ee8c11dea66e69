import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { StartError } from '#platform/start-error';
import { openDatabase } from './opened-database.ts';
import { SqlSession } from './sql/session.ts';
import { takeStatement } from './sql/statements.ts';

/** A prompt on the database; with -c, or with statements on standard input, without one. */
export async function run(args: string[]): Promise<number> {
  const command = parse(args);
  const database = await openDatabase();
  try {
    const session = await SqlSession.open(database.url);
    try {
      if (command !== undefined) return (await session.execute(command)) ? 0 : 1;
      return await converse(session);
    } finally {
      await session.close();
    }
  } finally {
    await database.close();
  }
}

function parse(args: string[]): string | undefined {
  try {
    return parseArgs({ args, options: { command: { type: 'string', short: 'c' } } }).values.command;
  } catch (error) {
    throw new StartError(`${(error as Error).message.split('.')[0]}: use "fondasi sql", or fondasi sql -c "select 1".`);
  }
}

/** Until \q or the end of the input. From a file or a pipe it stops at the first error. */
async function converse(session: SqlSession): Promise<number> {
  const interactive = process.stdin.isTTY;
  const lines = createInterface({
    input: process.stdin,
    output: interactive ? process.stdout : undefined,
    terminal: interactive,
  });
  let text = '';
  let running = false;
  lines.on('SIGINT', () => {
    if (running) void session.cancel().catch(() => undefined);
    else {
      text = '';
      process.stdout.write('\n');
      ask();
    }
  });
  const ask = (): void => {
    lines.setPrompt(text.trim() === '' ? 'fondasi=> ' : '       -> ');
    if (interactive) lines.prompt();
  };
  if (interactive) process.stdout.write('Statements end with ; and \\? tells more.\n');
  ask();
  try {
    for await (const line of lines) {
      running = true;
      if (text.trim() === '' && line.trimStart().startsWith('\\')) {
        if (!(await session.command(line))) return 0;
      } else {
        text += `${line}\n`;
        for (let taken = takeStatement(text); taken; taken = takeStatement(text)) {
          text = taken.rest;
          if (taken.statement !== '' && !(await session.execute(taken.statement)) && !interactive) return 1;
        }
      }
      running = false;
      ask();
    }
    if (interactive || text.trim() === '') return 0;
    return (await session.execute(text)) ? 0 : 1;
  } finally {
    lines.close();
    if (process.stdout.writableNeedDrain) await once(process.stdout, 'drain');
  }
}
