import type { Problem } from '../../contract/problem.ts';
import type { Answer } from '../../operations/bound-operation.ts';
import { problemBody } from '../../operations/problem-body.ts';
import type { Subscription } from '../../realtime/bound-channel.ts';
import type { Encoding } from '../../realtime/frame.ts';
import type { MessageId } from './client-messages.ts';
import { HEARTBEAT_SECONDS } from './protocol.ts';

const json = JSON.stringify;

/** What the server says, as JSON text. Put together by hand where it holds text that is JSON already. */
export const ready = (expiresIn: number) => json({ type: 'ready', expiresIn, heartbeat: HEARTBEAT_SECONDS });

export const PONG = json({ type: 'pong' });

export const expiring = (seconds: number, stream?: string) => json({ type: 'expiring', stream, seconds });

export function answer(id: MessageId, { status, body, version, replayed }: Answer): string {
  let text = `{"type":"answer","id":${json(id)},"status":${status}`;
  if (body !== undefined) text += `,"output":${body as string}`;
  if (version !== undefined) text += `,"version":${json(version)}`;
  return replayed ? `${text},"replayed":true}` : `${text}}`;
}

export const refusal = (id: MessageId | undefined, problem: Problem, requestId: string) =>
  json({ type: 'problem', id, problem: problemBody(problem, requestId), retryAfter: problem.retryAfter });

export const subscribed = (id: MessageId, { stream, cursor, reset }: Subscription) =>
  json({ type: 'subscribed', id, stream, cursor, reset });

export const reset = (stream: string, cursor: string) => json({ type: 'reset', stream, cursor });

export const ended = (stream: string, problem?: Problem, requestId = '') =>
  json({ type: 'ended', stream, problem: problem && problemBody(problem, requestId) });

/** An unmasked text frame (RFC 6455, section 5.2), as servers send it. */
export function textFrame(text: string): Buffer {
  const length = Buffer.byteLength(text);
  const header = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  const frame = Buffer.allocUnsafe(header + length);
  frame[0] = 0x81;
  if (header === 2) frame[1] = length;
  else if (header === 4) {
    frame[1] = 126;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = 127;
    frame.writeBigUInt64BE(BigInt(length), 2);
  }
  frame.write(text, header);
  return frame;
}

export const PING_FRAME = Buffer.from([0x89, 0x00]);

/** The frames of a batch as they go over the wire, one after the other; made once for all who follow the stream. */
export const EVENTS: Encoding<Buffer> = {
  encode(frames, stream) {
    const name = json(stream);
    const texts = frames.map(
      ({ cursor, json: item }) => `{"type":"event","stream":${name},"cursor":${json(cursor)},"item":${item}}`,
    );
    return texts.length === 1 ? textFrame(texts[0]!) : Buffer.concat(texts.map(textFrame));
  },
};
