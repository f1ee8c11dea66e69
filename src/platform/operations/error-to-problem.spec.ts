import { ImATeapotException, NotFoundException } from '@nestjs/common';
import { describe, expect, test } from 'vitest';
import { Forbidden } from '../contract/platform.problems.ts';
import { Problem } from '../contract/problem.ts';
import {
  CommitOutcomeUnknown,
  DatabaseBusy,
  DatabaseUnavailable,
  SchemaChanged,
  TransactionTimeout,
} from '../database/errors.ts';
import { expectedProblem } from './error-to-problem.ts';

const withState = (code: string) => Object.assign(new Error('canceling statement due to user request'), { code });

describe('what passes by itself is unavailable for a moment, and says no more', () => {
  test.each([
    new DatabaseBusy('all in use'),
    new DatabaseUnavailable('gone'),
    new TransactionTimeout('too long'),
    new SchemaChanged('changed'),
    withState('57014'),
    withState('55P03'),
    withState('40001'),
    withState('40P01'),
  ])('%s', (error) => {
    const problem = expectedProblem(error)!;
    expect(problem).toMatchObject({ definition: { status: 503, code: 'platform/unavailable' }, retryAfter: 1, cause: error });
    expect(problem.message).toBe(problem.definition.title);
  });
});

test('what may or may not have taken effect, and what nobody foresaw, is no expected problem', () => {
  for (const error of [
    new CommitOutcomeUnknown('?'),
    withState('23505'),
    withState('42501'),
    new TypeError('x'),
    'text',
    null,
    undefined,
  ])
    expect(expectedProblem(error)).toBeUndefined();
});

test("a problem stays itself, and Nest's exceptions keep their status", () => {
  const problem = new Problem(Forbidden, 'because');
  expect(expectedProblem(problem)).toBe(problem);
  expect(expectedProblem(new NotFoundException('no such shelf'))).toMatchObject({
    definition: { code: 'platform/not-found' },
    message: 'no such shelf',
  });
  expect(expectedProblem(new ImATeapotException('short'))).toMatchObject({
    definition: { code: 'platform/http-418', status: 418 },
  });
});
