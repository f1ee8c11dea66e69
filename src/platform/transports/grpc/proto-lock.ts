import { createHash } from 'node:crypto';
import type { ProtoModel } from './proto-model.ts';

/** Number and type of a field: once a client was built with them, they mean this for ever. */
interface PinnedField {
  readonly number: number;
  readonly type: string;
}

interface PinnedMessage {
  readonly fields: Readonly<Record<string, PinnedField>>;
  /** Fields that are gone. Nothing else ever has their name or number. */
  readonly reserved: Readonly<Record<string, PinnedField>>;
}

interface PinnedEnum {
  readonly values: Readonly<Record<string, number>>;
  readonly reserved: Readonly<Record<string, number>>;
}

/** What is on the wire, pinned: committed beside the code, written by `npm run proto:lock` alone. */
export interface ProtoLock {
  readonly messages: Readonly<Record<string, PinnedMessage>>;
  readonly enums: Readonly<Record<string, PinnedEnum>>;
  /** Method → what it takes and answers. */
  readonly methods: Readonly<Record<string, string>>;
}

export interface Pinned {
  readonly lock: ProtoLock;
  /** What is in the contracts and was not in the lock, or the other way round. Writing the lock mends it. */
  readonly changes: readonly string[];
  /** What would break clients. Nothing but another contract mends it. */
  readonly breaches: readonly string[];
}

export const EMPTY_LOCK: ProtoLock = { messages: {}, enums: {}, methods: {} };

/** The lock brought up to date with the contracts. What has a number keeps it, what is gone is reserved, what is new gets the next. */
export function pin(lock: ProtoLock, model: ProtoModel): Pinned {
  const changes: string[] = [];
  const breaches: string[] = [];
  const note = { changes, breaches };
  // What no contract has any more stays as it is: should it come back, it has to be the same.
  const messages: Record<string, PinnedMessage> = { ...lock.messages };
  const enums: Record<string, PinnedEnum> = { ...lock.enums };
  for (const { name, fields } of model.messages) {
    const wanted = Object.fromEntries(fields.map((field) => [field.name, field.type]));
    messages[name] = pinMessage(name, lock.messages[name], wanted, note);
  }
  for (const { name, values } of model.enums) enums[name] = pinEnum(name, lock.enums[name], values, note);
  return { lock: { messages, enums, methods: pinMethods(lock.methods, model, note) }, changes, breaches };
}

type Notes = { changes: string[]; breaches: string[] };

function pinMessage(name: string, pinned: PinnedMessage | undefined, wanted: Record<string, string>, note: Notes): PinnedMessage {
  const before = pinned ?? { fields: {}, reserved: {} };
  const fields: Record<string, PinnedField> = {};
  const reserved: Record<string, PinnedField> = { ...before.reserved };
  const numbers = numbersAfter([...Object.values(before.fields), ...Object.values(reserved)].map(({ number }) => number));
  for (const [field, type] of Object.entries(wanted)) {
    const known = before.fields[field] ?? before.reserved[field];
    if (known && known.type !== type)
      note.breaches.push(
        `${name}.${field} was ${known.type} and is ${type}: a field keeps its type, give the other one a new name`,
      );
    if (!before.fields[field]) note.changes.push(`${name}.${field} has no number yet`);
    fields[field] = known?.type === type ? known : { number: numbers(), type };
    delete reserved[field];
  }
  for (const [field, gone] of Object.entries(before.fields)) {
    if (field in fields) continue;
    note.changes.push(`${name}.${field} is gone, and its number not reserved yet`);
    reserved[field] = gone;
  }
  return { fields, reserved };
}

function pinEnum(name: string, pinned: PinnedEnum | undefined, wanted: readonly string[], note: Notes): PinnedEnum {
  const before = pinned ?? { values: {}, reserved: {} };
  const values: Record<string, number> = {};
  const reserved: Record<string, number> = { ...before.reserved };
  const numbers = numbersAfter([...Object.values(before.values), ...Object.values(reserved)]);
  for (const value of wanted) {
    if (before.values[value] === undefined) note.changes.push(`${value} of ${name} has no number yet`);
    values[value] = before.values[value] ?? before.reserved[value] ?? numbers();
    delete reserved[value];
  }
  for (const [value, number] of Object.entries(before.values)) {
    if (value in values) continue;
    note.changes.push(`${value} of ${name} is gone, and its number not reserved yet`);
    reserved[value] = number;
  }
  return { values, reserved };
}

function pinMethods(before: ProtoLock['methods'], { services }: ProtoModel, note: Notes): Record<string, string> {
  const methods: Record<string, string> = { ...before };
  for (const service of services)
    for (const { name, input, output, streams } of service.methods) {
      const method = `${service.name}.${name}`;
      const does = `${input} → ${streams ? 'stream ' : ''}${output}`;
      if (before[method] === undefined) note.changes.push(`the method ${method} is not in it yet`);
      else if (before[method] !== does)
        note.breaches.push(
          `${method} was ${before[method]} and is ${does}: a method keeps its messages, give the other one a new name`,
        );
      methods[method] = does;
    }
  return methods;
}

function numbersAfter(taken: readonly number[]): () => number {
  let last = Math.max(0, ...taken);
  return () => {
    last++;
    // Protobuf keeps these for itself.
    if (last === 19_000) last = 20_000;
    return last;
  };
}

const checksum = (lock: ProtoLock) =>
  createHash('sha256')
    .update(JSON.stringify([lock.messages, lock.enums, lock.methods]))
    .digest('base64url')
    .slice(0, 22);

/** The file's text. The checksum makes an edit by hand, or a merge of two files, stand out. */
export function lockText(lock: ProtoLock): string {
  const { messages, enums, methods } = lock;
  const text = JSON.stringify({ checksum: checksum({ messages, enums, methods }), messages, enums, methods }, null, 2);
  // A line per field, so that a change shows as one.
  return `${text.replace(/\{\s+("number": \d+),\s+("type": "[^"]*")\s+\}/g, '{ $1, $2 }')}\n`;
}

/** @throws Error with a sentence for whoever edited it */
export function readLock(text: string): ProtoLock {
  const { checksum: told, ...lock } = JSON.parse(text) as ProtoLock & { checksum: string };
  if (told !== checksum(lock))
    throw new Error('it was edited by hand or merged: take the version of one side as it is, then run `npm run proto:lock`');
  return lock;
}
