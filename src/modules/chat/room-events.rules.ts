import type { Entry } from '#platform/realtime/channel-handler';
import { MemberJoined, MemberLeft, type Message, MessagePosted, type room } from './contract.ts';
import type { z } from 'zod';

type RoomEntry = Entry<typeof room>;

/** A room's stream: rooms belong to an organization. */
export const streamKey = (org: string, roomId: string) => `${org}/${roomId}`;

export const ofStreamKey = (key: string) => {
  const [org, room] = key.split('/') as [string, string];
  return { org, room };
};

export const messagePosted = (message: z.output<typeof Message>): RoomEntry => ({
  seq: message.seq,
  event: MessagePosted,
  item: { type: 'message', message },
});

export const memberJoined = ({ seq, personId, at }: { seq: string; personId: string; at: string }): RoomEntry => ({
  seq,
  event: MemberJoined,
  personId,
  item: { type: 'joined', seq, personId, at },
});

/** `by` is who put them out, or they themselves. */
export const memberLeft = ({ seq, personId, by, at }: { seq: string; personId: string; by: string; at: string }): RoomEntry => ({
  seq,
  event: MemberLeft,
  personId,
  item: { type: 'left', seq, personId, ...(by !== personId && { removedBy: by }), at },
});
