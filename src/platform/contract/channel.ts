import { z } from 'zod';
import type { Access } from './access.ts';
import type { EventDefinition } from './event.ts';
import { checkPortable, portableFields } from './portable.ts';

/** An ordered, resumable stream of events to clients. Its handlers are `authorize`, `head` and `readAfter`. */
export interface ChannelDefinition<P extends z.core.$ZodLooseShape = z.core.$ZodLooseShape> {
  readonly kind: 'channel';
  readonly name: string;
  readonly summary: string;
  readonly params: z.ZodObject<P>;
  readonly access: Access;
  readonly events: readonly EventDefinition[];
  /** Events after which a subscriber may have lost access: it is asked for again. */
  readonly revokedBy: readonly EventDefinition[];
}

export function channel<P extends z.core.$ZodLooseShape>(definition: {
  name: string;
  summary: string;
  params: P;
  access: Access;
  events: readonly EventDefinition[];
  revokedBy?: readonly EventDefinition[];
}): ChannelDefinition<P> {
  const { name, params, revokedBy = [], ...rest } = definition;
  checkPortable(portableFields(name, params as Record<string, z.core.$ZodType>, 'input'));
  return Object.freeze({ kind: 'channel', name, ...rest, params: z.object(params), revokedBy });
}
