import { Unauthenticated } from '../../contract/platform.problems.ts';
import type { Subscription } from '../../realtime/bound-channel.ts';
import { framesOf } from '../../realtime/frame-queue.ts';
import { answeredError, AnsweredGraphqlError, type GraphqlAnswer } from './answer.ts';
import { FieldAnswers } from './field-answers.ts';
import type { PlannedField } from './plan.ts';
import type { Session } from './session.ts';

/** Why the client should connect again: its token has ended, or this process does. */
export type Leaving = 'token' | 'process';

/**
 * The frames of a subscription as GraphQL's answers. Its subscription is closed whatever becomes of it: also when
 * nobody ever asks for the first frame.
 */
export class FrameAnswers implements AsyncGenerator<GraphqlAnswer, void, void> {
  private readonly frames: ReturnType<typeof framesOf>;
  private readonly abort: AbortController;
  private readonly subscription: Subscription;
  private readonly field: PlannedField;
  private readonly session: Session;
  private readonly onLeave: (why: Leaving) => void;

  constructor(
    field: PlannedField,
    subscription: Subscription,
    { session, abort, onLeave }: { session: Session; abort: AbortController; onLeave: (why: Leaving) => void },
  ) {
    this.field = field;
    this.subscription = subscription;
    this.session = session;
    this.abort = abort;
    this.onLeave = onLeave;
    this.frames = framesOf(subscription, abort.signal);
  }

  async next(): Promise<IteratorResult<GraphqlAnswer, void>> {
    try {
      const { done, value } = await this.frames.next();
      if (!done) {
        const { cursor, reset, frame } = value;
        return { done: false, value: await this.answer({ cursor, reset, item: frame?.item }) };
      }
      if (!this.abort.signal.aborted) this.onLeave('process');
    } catch (error) {
      const problem = this.session.problem(error);
      if (problem.definition !== Unauthenticated)
        throw new AnsweredGraphqlError(answeredError(problem, this.session.origin.requestId));
      // With a new token it goes on where it was: an error would end it.
      this.onLeave('token');
    }
    return { done: true, value: undefined };
  }

  async return(): Promise<IteratorResult<GraphqlAnswer, void>> {
    // A reader that waits for the next frame is woken; one that never came has nothing to wake.
    this.abort.abort();
    this.subscription.close();
    return { done: true, value: undefined };
  }

  async throw(error: unknown): Promise<IteratorResult<GraphqlAnswer, void>> {
    await this.return();
    throw error;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  private async answer(value: object): Promise<GraphqlAnswer> {
    const answers = new FieldAnswers(this.session);
    await answers.take([{ field: this.field, value }]);
    return answers.answer({ [this.field.key]: answers.values.get(this.field.key) }, 1);
  }
}
