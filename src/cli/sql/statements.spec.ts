import { array, assert, constantFrom, property } from 'fast-check';
import { expect, test } from 'vitest';
import { takeStatement } from './statements.ts';

test.for([
  ['select 1;', 'select 1', ''],
  ['select 1; select 2;', 'select 1', ' select 2;'],
  [`select 'a;b';x`, `select 'a;b'`, 'x'],
  [`select 'it''s; one';`, `select 'it''s; one'`, ''],
  [`select E'\\';';`, `select E'\\';'`, ''],
  [`select '\\'; select 2;`, `select '\\'`, ' select 2;'],
  [`select "a;b";`, 'select "a;b"', ''],
  ['do $$ begin; end $$;', 'do $$ begin; end $$', ''],
  ['do $a$ $$;$$ ; $a$;', 'do $a$ $$;$$ ; $a$', ''],
  ['select 1 -- a;\n;', 'select 1 -- a;', ''],
  ['select /* ; /* ; */ ; */ 1;', 'select /* ; /* ; */ ; */ 1', ''],
  ['create rule r as on insert to t do (select 1; select 2);', 'create rule r as on insert to t do (select 1; select 2)', ''],
  ['select a$b$c;', 'select a$b$c', ''],
])('%s ends at the right semicolon', ([text, statement, rest]) => {
  expect(takeStatement(text!)).toEqual({ statement, rest });
});

test.for(['select 1', `select ';`, 'select $$ ;', 'select /* ; ', 'select (1;', 'select 1 -- ;'])(
  '%s is not complete',
  (text) => {
    expect(takeStatement(text)).toBeUndefined();
  },
);

const PIECES = [`'`, '"', ';', '$$', '$a$', '--', '/*', '*/', '\n', '\\', 'e', 'x', '(', ')', ' '];

test('no text is lost or made up, whatever is typed', () => {
  const whole = property(array(constantFrom(...PIECES)), (parts) => {
    const text = parts.join('');
    const taken = takeStatement(text);
    return !taken || text.slice(0, text.length - taken.rest.length - 1).trim() === taken.statement;
  });
  expect(() => assert(whole)).not.toThrow();
});
