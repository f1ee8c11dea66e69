import type { ProblemDefinition } from '../../contract/problem.ts';

const escape = (text: string) => text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);

/** The page behind a problem's `type`. */
export const problemPage = ({ code, status, title, help }: ProblemDefinition) => `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
  <title>${escape(title)}</title>
  <style>
    body { font: 1rem/1.6 system-ui, sans-serif; max-width: 40rem; margin: 4rem auto; padding: 0 1rem; color: #1c2430; background: #fff }
    code { background: #eef1f5; padding: .1em .35em; border-radius: .25em }
    @media (prefers-color-scheme: dark) { body { color: #e6e9ee; background: #14181f } code { background: #262c36 } }
  </style>
</head>
<body>
  <p><code>${escape(code)}</code> · HTTP ${status}</p>
  <h1>${escape(title)}</h1>
  <p>${escape(help ?? 'The operation that answered with this problem says when it does.').replace(/`([^`]+)`/g, '<code>$1</code>')}</p>
</body>
</html>
`;
