import { setImmediate as nextTurn } from 'node:timers/promises';
import { Unauthenticated } from '../../contract/platform.problems.ts';
import type { Subscription } from '../../realtime/bound-channel.ts';
import { framesOf, type QueuedFrame } from '../../realtime/frame-queue.ts';
import { answeredError, AnsweredGraphqlError, type GraphqlAnswer } from './answer.ts';
import { FieldAnswers } from './field-answers.ts';
import type { LinkLoader } from './link-loader.ts';
import type { PlannedField } from './plan.ts';
import type { Session } from './session.ts';

/** Why the client should connect again: its token has ended, or this process does. */
export type Leaving = 'token' | 'process';

/** Frames whose links are loaded together: as many as a page has. */
const MOST_TOGETHER = 100;

interface Taken {
  readonly frame: QueuedFrame;
  readonly links: LinkLoader;
}

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
  /** Taken already, together with those before them. */
  private taken: Taken[] = [];
  /** Asked for already. */
  private coming: Promise<IteratorResult<QueuedFrame, void>> | undefined;

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
      if (this.taken.length === 0) this.taken = await this.take();
      const next = this.taken.shift();
      if (next) return { done: false, value: await this.answer(next) };
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

  /** The frames that are there, with their links; none at the end. */
  private async take(): Promise<Taken[]> {
    const frames = await this.waiting();
    const links = this.session.links('pushed');
    const { composite } = this.field;
    if (composite?.linked) await links.load(frames.map((frame) => ({ composite, value: valueOf(frame) })));
    return frames.map((frame) => ({ frame, links }));
  }

  /** The next frame, and where it has links, those that come in the same moment. */
  private async waiting(): Promise<QueuedFrame[]> {
    const first = await this.following();
    if (first.done) return [];
    const frames = [first.value];
    if (!this.field.composite?.linked) return frames;
    const moment = nextTurn();
    while (frames.length < MOST_TOGETHER) {
      const coming = this.frames.next();
      this.coming = coming;
      // Told to whoever asks for the frame after these.
      coming.catch(() => {});
      const next = await Promise.race([coming.catch(() => undefined), moment]);
      if (!next || next.done) break;
      this.coming = undefined;
      frames.push(next.value);
    }
    return frames;
  }

  private following() {
    const { coming } = this;
    this.coming = undefined;
    return coming ?? this.frames.next();
  }

  private async answer({ frame, links }: Taken): Promise<GraphqlAnswer> {
    const answers = new FieldAnswers(this.session);
    await answers.take([{ field: this.field, value: valueOf(frame) }], links);
    return answers.answer({ [this.field.key]: answers.values.get(this.field.key) }, 1);
  }
}

const valueOf = ({ cursor, reset, frame }: QueuedFrame) => ({ cursor, reset, item: frame?.item });
