import type { handleUnaryCall } from '@grpc/grpc-js';
import { runInRequest } from '../../observability/request-context.ts';
import type { BoundOperation } from '../../operations/bound-operation.ts';
import type { GrpcEdge } from './edge.ts';
import type { Failure } from './failure.ts';
import type { MessageReader } from './message-reader.ts';
import type { MessageWriter } from './message-writer.ts';
import { operationInput, operationOutput } from './proto-model.ts';
import { okTrailers } from './status.ts';

export interface HandlerParts {
  readonly edge: GrpcEdge;
  readonly reader: MessageReader;
  readonly writer: MessageWriter;
  readonly failure: Failure;
  /** How long a client may take none of the frames that wait for it, in milliseconds. */
  readonly requestTimeout: number;
}

/** A google.protobuf.Empty. */
const NOTHING = Buffer.alloc(0);

/** Serves an operation. It turns bytes into a call and the answer into bytes; all rules are the pipeline's. */
export function unaryHandler({ contract, invoke }: BoundOperation, parts: HandlerParts): handleUnaryCall<Buffer, Buffer> {
  const { edge, failure } = parts;
  const read = parts.reader.of(operationInput(contract));
  const output = operationOutput(contract);
  const write = output && parts.writer.of(output);
  const keyed = contract.retry === 'key';
  return (call, respond) => {
    const incoming = edge.callOf(call.metadata);
    const deadline = incoming.arrived(call.getDeadline());
    const cancelled = new AbortController();
    // It is told so of every call that ends. An abort that nobody waits for still makes an error with its stack: 6 µs.
    call.once('cancelled', () => void (incoming.answered === undefined && cancelled.abort()));
    const answering = async () => {
      try {
        const answer = await invoke({
          input: () => read(call.request),
          credentials: { token: incoming.token },
          origin: incoming.origin,
          unknownFields: 'drop',
          form: 'value',
          idempotencyKey: keyed ? incoming.idempotencyKey : undefined,
          deadline,
          signal: cancelled.signal,
        });
        const message = write ? write(answer.body) : NOTHING;
        incoming.end(answer.status);
        respond(null, message, okTrailers(incoming.origin.requestId, answer.replayed));
      } catch (error) {
        // A deadline is the end for the caller; the handler may still be at work.
        cancelled.abort();
        respond(failure.of(error, incoming));
      }
    };
    void runInRequest(incoming.ids, answering);
  };
}
