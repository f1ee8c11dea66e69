import { Metadata, status as Status } from '@grpc/grpc-js';
import protobuf from 'protobufjs/minimal.js';
import type { Writer } from 'protobufjs';
import type { FieldError, Problem } from '../../contract/problem.ts';
import { problemPath } from '../../operations/problem-body.ts';
import { snakeCase } from './proto-names.ts';

/** How a call ended: what gRPC's server sends as trailers. */
export interface CallStatus {
  readonly code: Status;
  readonly details: string;
  readonly metadata: Metadata;
}

/** The codes of google.rpc.Code that fit HTTP's. */
const CODES: Readonly<Record<number, Status>> = {
  400: Status.INVALID_ARGUMENT,
  401: Status.UNAUTHENTICATED,
  403: Status.PERMISSION_DENIED,
  404: Status.NOT_FOUND,
  405: Status.UNIMPLEMENTED,
  408: Status.DEADLINE_EXCEEDED,
  409: Status.ALREADY_EXISTS,
  410: Status.NOT_FOUND,
  412: Status.FAILED_PRECONDITION,
  413: Status.RESOURCE_EXHAUSTED,
  415: Status.INVALID_ARGUMENT,
  422: Status.INVALID_ARGUMENT,
  429: Status.RESOURCE_EXHAUSTED,
  431: Status.RESOURCE_EXHAUSTED,
  499: Status.CANCELLED,
  502: Status.UNAVAILABLE,
  503: Status.UNAVAILABLE,
  504: Status.DEADLINE_EXCEEDED,
};

export const codeOf = (httpStatus: number): Status =>
  CODES[httpStatus] ?? (httpStatus >= 500 ? Status.INTERNAL : Status.FAILED_PRECONDITION);

/** Who gives the reasons of `ErrorInfo`. */
const DOMAIN = 'fondasi';

/** A problem as gRPC has it: code, sentence, and google.rpc's details in `grpc-status-details-bin`. */
export function problemStatus(problem: Problem, requestId: string, publicUrl: string | undefined): CallStatus {
  const metadata = new Metadata();
  metadata.set('x-request-id', requestId);
  metadata.set('grpc-status-details-bin', statusDetails(problem, requestId, publicUrl));
  return { code: codeOf(problem.definition.status), details: sentenceOf(problem), metadata };
}

/** Half a character could not be sent. */
const sentenceOf = ({ message }: Problem) => message.toWellFormed();

/** A google.rpc.Status. */
export function statusDetails(problem: Problem, requestId: string, publicUrl: string | undefined): Buffer {
  const { definition, errors, retryAfter } = problem;
  const writer = protobuf.Writer.create().uint32(8).int32(codeOf(definition.status)).uint32(18).string(sentenceOf(problem));
  const detail = (type: string, write: (writer: Writer) => void) => {
    writer.uint32(26).fork().uint32(10).string(`type.googleapis.com/google.rpc.${type}`).uint32(18).fork();
    write(writer);
    writer.ldelim().ldelim();
  };
  detail('ErrorInfo', (info) => {
    info.uint32(10).string(reasonOf(definition.code)).uint32(18).string(DOMAIN);
    writeEntry(info, 'code', definition.code);
    writeEntry(info, 'status', String(definition.status));
  });
  if (errors && errors.length > 0) detail('BadRequest', (request) => errors.forEach((error) => writeViolation(request, error)));
  if (retryAfter !== undefined) detail('RetryInfo', (retry) => retry.uint32(10).fork().uint32(8).int64(retryAfter).ldelim());
  detail('RequestInfo', (request) => request.uint32(10).string(requestId));
  if (definition.help !== undefined)
    detail('Help', (help) => {
      help.uint32(10).fork().uint32(10).string(definition.help!);
      help
        .uint32(18)
        .string(`${publicUrl ?? ''}${problemPath(definition.code)}`)
        .ldelim();
    });
  return writer.finish() as Buffer;
}

/** `chat/room-not-found` → `CHAT_ROOM_NOT_FOUND`. */
const reasonOf = (code: string) => code.replace(/[/-]/g, '_').toUpperCase();

function writeEntry(writer: Writer, key: string, value: string) {
  writer.uint32(26).fork().uint32(10).string(key).uint32(18).string(value).ldelim();
}

function writeViolation(writer: Writer, { pointer, detail }: FieldError) {
  writer.uint32(10).fork().uint32(10).string(fieldPath(pointer)).uint32(18).string(detail.toWellFormed()).ldelim();
}

/** `/ids/0` → `ids[0]`, `/author/fullName` → `author.full_name`: how google.rpc names a place. */
export function fieldPath(pointer: string): string {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~').toWellFormed())
    .map((part, index) => (/^\d+$/.test(part) ? `[${part}]` : `${index > 0 ? '.' : ''}${snakeCase(part)}`))
    .join('');
}

/** For what went well. */
export function okTrailers(requestId: string, replayed: boolean): Metadata {
  const metadata = new Metadata();
  metadata.set('x-request-id', requestId);
  if (replayed) metadata.set('idempotency-replayed', 'true');
  return metadata;
}
