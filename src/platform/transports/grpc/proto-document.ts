import type { ChannelDefinition } from '../../contract/channel.ts';
import type { OperationDefinition } from '../../contract/operation.ts';
import { pin, type ProtoLock } from './proto-lock.ts';
import { type ProtoModel, protoModel } from './proto-model.ts';
import { protoText } from './proto-text.ts';

/** What this process says over gRPC. */
export interface ProtoDocument {
  readonly model: ProtoModel;
  /** With a number for everything, also for what is pinned nowhere yet. */
  readonly lock: ProtoLock;
  readonly text: string;
  /** What clients can't rely on before it is pinned. */
  readonly unpinned: readonly string[];
}

export function protoDocument(
  operations: readonly OperationDefinition[],
  channels: readonly ChannelDefinition[],
  pinned: ProtoLock,
): ProtoDocument {
  const model = protoModel(operations, channels);
  const { lock, changes, breaches } = pin(pinned, model);
  return { model, lock, text: protoText(model, lock), unpinned: [...breaches, ...changes] };
}
