// Checks the title of a commit: `type(area): what it does`, at most 100 characters. The body says why.
import { readFileSync } from 'node:fs';

const TYPES = ['feat', 'fix', 'perf', 'refactor', 'test', 'docs', 'build', 'ci', 'chore', 'revert'];
const [title = ''] = readFileSync(process.argv[2], 'utf8').split('\n');
const conventional = new RegExp(`^(${TYPES.join('|')})(\\([a-z0-9-]+\\))?!?: \\S.*$`);

// Git writes these itself, or takes them away again.
const ofGit = /^(Merge |Revert "|fixup! |squash! |amend! )/;
if (!ofGit.test(title) && (!conventional.test(title) || title.length > 100)) {
  process.stderr.write(
    `"${title}" isn't a title like "feat(chat): list messages both ways" (${TYPES.join(', ')}; at most 100 characters).\n`,
  );
  process.exitCode = 1;
}
