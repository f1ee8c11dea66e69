/**
 * The first complete statement of the text and what follows it; undefined when its `;` is still to come. A `;` in quotes, in a
 * dollar-quoted body, in a comment or in parentheses ends nothing.
 */
export function takeStatement(text: string): { statement: string; rest: string } | undefined {
  let depth = 0;
  for (let at = 0; at < text.length;) {
    const character = text[at]!;
    const skipped = skip(text, at);
    if (skipped === undefined) return undefined;
    if (skipped > at) at = skipped;
    else {
      if (character === '(') depth++;
      if (character === ')') depth--;
      at++;
      if (character === ';' && depth <= 0) return { statement: text.slice(0, at - 1).trim(), rest: text.slice(at) };
    }
  }
  return undefined;
}

/** Where the quoted text or comment that begins here ends; `at` itself when none does, undefined when its end is missing. */
function skip(text: string, at: number): number | undefined {
  const character = text[at]!;
  if (character === "'") return afterQuote(text, at, /[eE]$/.test(text.slice(0, at)) && !/\w[eE]$/.test(text.slice(0, at)));
  if (character === '"') return afterQuote(text, at, false);
  if (text.startsWith('--', at)) return after(text, '\n', at);
  if (text.startsWith('/*', at)) return afterComment(text, at);
  const tag = character === '$' && !/\w$/.test(text.slice(0, at)) ? /^\$([A-Za-z_]\w*)?\$/.exec(text.slice(at))?.[0] : undefined;
  return tag ? after(text, tag, at + tag.length) : at;
}

function after(text: string, end: string, from: number): number | undefined {
  const found = text.indexOf(end, from);
  return found < 0 ? undefined : found + end.length;
}

/** A doubled quote goes on; so does a quote after a backslash in E'…'. */
function afterQuote(text: string, from: number, escapes: boolean): number | undefined {
  for (let at = from + 1; at < text.length; at++) {
    if (escapes && text[at] === '\\') at++;
    else if (text[at] === text[from]) {
      if (text[at + 1] !== text[from]) return at + 1;
      at++;
    }
  }
  return undefined;
}

/** Comments nest in SQL. */
function afterComment(text: string, from: number): number | undefined {
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    if (text.startsWith('/*', at)) {
      depth++;
      at++;
    } else if (text.startsWith('*/', at)) {
      depth--;
      at++;
      if (depth === 0) return at + 1;
    }
  }
  return undefined;
}
