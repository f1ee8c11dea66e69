import type { z } from 'zod';
import { isForOutside } from '../../contract/access.ts';
import type { ChannelDefinition } from '../../contract/channel.ts';
import type { OperationDefinition } from '../../contract/operation.ts';
import { type Json, jsonSchema, schemaRef } from '../json-schema.ts';
import { PROBLEM } from '../problem-schema.ts';
import { AuthMessage, CallMessage, CancelMessage, PingMessage, SubscribeMessage, UnsubscribeMessage } from './client-messages.ts';
import { CLOSE, LIBRARY_CLOSE, PATH, SUBPROTOCOL } from './protocol.ts';
import { AnswerFields, EndedFields, EventFields, ProblemFields, ServerMessages } from './server-message-schemas.ts';

export interface AsyncApiInfo {
  readonly version: string;
  /** Where clients reach the gateway. */
  readonly url: string;
}

const messageRef = (name: string) => ({ $ref: `#/channels/socket/messages/${name}` });

/** The AsyncAPI 3 document of `/ws`: every message, with the schemas of all operations and channels. */
export function asyncApi(
  operations: readonly OperationDefinition[],
  channels: readonly ChannelDefinition[],
  { version, url }: AsyncApiInfo,
): Json {
  const schemas: Json = { Problem: PROBLEM };
  const { messages, exchanges } = new Writer(schemas).write(operations, channels);
  const { host, protocol } = new URL(url);
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Fondasi over WebSocket',
      version,
      description: `Operations and channels over one connection, with the subprotocol \`${SUBPROTOCOL}\`. Each message is a JSON object in a text frame.`,
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    defaultContentType: 'application/json',
    servers: { gateway: { host, protocol: protocol === 'https:' ? 'wss' : 'ws' } },
    channels: {
      socket: {
        address: PATH,
        description: 'The first message is `auth`, within 10 s, where no token came with the request.',
        messages,
        bindings: { ws: { method: 'GET', headers: HEADERS } },
        'x-close-codes': [...LIBRARY_CLOSE, ...Object.values(CLOSE)].sort((a, b) => a.code - b.code),
      },
    },
    operations: exchanges,
    components: { schemas: Object.fromEntries(Object.entries(schemas).sort(([a], [b]) => (a < b ? -1 : 1))) },
  };
}

const HEADERS = {
  type: 'object',
  properties: { 'Sec-WebSocket-Protocol': { type: 'string', const: SUBPROTOCOL } },
  required: ['Sec-WebSocket-Protocol'],
};

/** Collects messages, and who answers which with what. */
class Writer {
  private readonly messages: Json = {};
  private readonly exchanges: Json = {};
  private readonly schemas: Json;

  constructor(schemas: Json) {
    this.schemas = schemas;
  }

  write(operations: readonly OperationDefinition[], channels: readonly ChannelDefinition[]) {
    for (const [name, type] of Object.entries(ServerMessages)) this.message(name, this.schema(type, 'output'));
    this.message('problem', this.extended(ProblemFields, 'output', { problem: schemaRef('Problem') }));
    this.message('ended', this.extended(EndedFields, 'output', { problem: schemaRef('Problem') }, []));
    this.received('auth', AuthMessage, ['ready', 'problem']);
    this.received('ping', PingMessage, ['pong']);
    this.received('cancel', CancelMessage);
    this.received('unsubscribe', UnsubscribeMessage, ['ended']);
    this.sent('expiring', 'A token ends soon');
    for (const operation of operations.filter(isForOutside)) this.operation(operation);
    for (const channel of channels.filter(isForOutside)) this.channel(channel);
    return { messages: this.messages, exchanges: this.exchanges };
  }

  private operation({ name, summary, description, input, output, success }: OperationDefinition) {
    const call = { operation: { const: name }, input: this.schema(input, 'input') };
    this.message(`${name}.call`, this.extended(CallMessage, 'input', call, ['operation']), summary);
    const answer = success === 204 ? {} : { output: this.schema(output, 'output') };
    this.message(`${name}.answer`, this.extended(AnswerFields, 'output', answer));
    this.exchange(name, `${name}.call`, [`${name}.answer`, 'problem'], { summary, description });
  }

  private channel({ name, summary, description, params, item }: ChannelDefinition) {
    const subscribe = { channel: { const: name }, params: this.schema(params, 'input') };
    this.message(`${name}.subscribe`, this.extended(SubscribeMessage, 'input', subscribe, ['channel']), summary);
    this.message(`${name}.event`, this.extended(EventFields, 'output', { item: this.schema(item, 'output') }));
    this.exchange(`${name}.subscribe`, `${name}.subscribe`, ['subscribed', 'problem'], { summary, description });
    this.sent(`${name}.event`, summary, ['reset', 'ended']);
  }

  private received(name: string, type: z.ZodType, replies?: readonly string[]) {
    const payload = this.schema(type, 'input');
    this.message(name, payload);
    this.exchange(name, name, replies, { summary: payload['description'] });
  }

  private exchange(name: string, message: string, replies: readonly string[] | undefined, about: Json) {
    const socket = { $ref: '#/channels/socket' };
    this.exchanges[name] = {
      action: 'receive',
      channel: socket,
      ...about,
      messages: [messageRef(message)],
      ...(replies && { reply: { channel: socket, messages: replies.map(messageRef) } }),
    };
  }

  private sent(name: string, summary: string, also: readonly string[] = []) {
    this.exchanges[name] = {
      action: 'send',
      channel: { $ref: '#/channels/socket' },
      summary,
      messages: [name, ...also].map(messageRef),
    };
  }

  private message(name: string, payload: Json, summary: string | undefined = payload['description']) {
    this.messages[name] = { name, ...(summary && { summary }), payload };
  }

  private schema(type: z.ZodType, io: 'input' | 'output'): Json {
    return jsonSchema(type, io, this.schemas, 'AsyncAPI');
  }

  /** A message with fields that depend on the contract. */
  private extended(type: z.ZodType, io: 'input' | 'output', fields: Json, always: readonly string[] = Object.keys(fields)): Json {
    const { properties, required, ...schema } = this.schema(type, io);
    return { ...schema, properties: { ...properties, ...fields }, required: [...new Set([...required, ...always])] };
  }
}
