import { createHash } from 'node:crypto';

const SCRIPT = `
const form = document.forms[0], said = document.querySelector('output');
form.addEventListener('submit', async (event) => {
  event.preventDefault();
  const button = form.querySelector('button');
  button.disabled = true;
  said.textContent = '';
  const { name, email, password } = Object.fromEntries(new FormData(form));
  try {
    const reply = await fetch('/auth/set-up', {
      method: 'POST', headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token: location.hash.slice(1), name, email, password }),
    });
    if (reply.ok) {
      history.replaceState(null, '', '/setup');
      form.replaceChildren(Object.assign(document.createElement('p'), { textContent: 'Done. You are the administrator: sign in with POST /auth/sign-in, or try it at /api-docs.' }));
      return;
    }
    const problem = await reply.json();
    said.textContent = [problem.title, ...(problem.errors ?? []).map((error) => error.pointer.slice(1) + ': ' + error.detail)].join(' \\u2014 ');
  } catch {
    said.textContent = 'The server does not answer.';
  }
  button.disabled = false;
});
`;

const STYLE = `
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 24rem; margin: 4rem auto; padding: 0 1rem; color: #1c2430; background: #fff }
label { display: block; margin: 1rem 0 }
input { display: block; width: 100%; box-sizing: border-box; font: inherit; padding: .5rem; margin-top: .25rem; border: 1px solid #8a94a3; border-radius: .375rem; color: inherit; background: transparent }
button { font: inherit; padding: .5rem 1.25rem; border: 0; border-radius: .375rem; background: #1b5fc1; color: #fff }
button:disabled { opacity: .5 }
output { display: block; margin-top: 1rem; color: #b3261e }
@media (prefers-color-scheme: dark) { body { color: #e6e9ee; background: #14181f } output { color: #ff8a80 } }
`;

const hash = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** Only this page's own script and style run; it talks to this server only. */
export const SETUP_PAGE_POLICY = `default-src 'none'; script-src ${hash(SCRIPT)}; style-src ${hash(STYLE)}; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

export const SETUP_PAGE = `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
  <title>First administrator</title>
  <link rel="icon" href="data:,">
  <style>${STYLE}</style>
</head>
<body>
  <h1>First administrator</h1>
  <form>
    <label>Name <input name="name" required maxlength="100" autocomplete="name"></label>
    <label>E-mail <input name="email" type="email" required maxlength="254" autocomplete="username"></label>
    <label>Password (15 characters or more) <input name="password" type="password" required minlength="15" maxlength="256" autocomplete="new-password"></label>
    <button>Make the administrator</button>
    <output role="alert"></output>
  </form>
  <script>${SCRIPT}</script>
</body>
</html>
`;
