import { StartError } from '#platform/start-error';

type Command = { summary: string; load: () => Promise<{ run(args: string[]): Promise<number> }> };

// Each command is loaded when it is asked for: `fondasi db` must not pay for the platform.
const commands: Record<string, Command> = {
  serve: {
    summary: 'start the platform, with the embedded database unless DATABASE_URL is set',
    load: () => import('./serve.ts'),
  },
  db: { summary: 'run the embedded database alone, until Ctrl-C', load: () => import('./db.ts') },
  sql: { summary: 'open a prompt on the database, or run -c "statements"', load: () => import('./sql.ts') },
  export: { summary: 'write all data into a file or folder', load: () => import('./export.ts') },
  import: { summary: 'read an exported file into an empty database', load: () => import('./import.ts') },
  migrate: { summary: "bring the database's schemas up to date", load: () => import('./migrate.ts') },
  version: { summary: 'print the version', load: () => import('./version.ts') },
};

/** Runs one command line; resolves to the exit code when it has ended. */
export async function run(argv: string[]): Promise<number> {
  const [name = 'help', ...args] = argv;
  if (['help', '--help', '-h'].includes(name)) return help();
  const command = commands[name === '--version' || name === '-v' ? 'version' : name];
  if (!command) {
    process.stderr.write(`There is no command "${name}": "fondasi help" lists them.\n`);
    return 1;
  }
  try {
    return await (await command.load()).run(args);
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 1;
  }
}

function help(): number {
  const lines = Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(9)}${summary}`);
  process.stdout.write(`fondasi <command>\n\n${lines.join('\n')}\n\nSettings come from the environment and from .env.\n`);
  return 0;
}
