import * as z from 'zod';
import { signedIn } from '#platform/contract/access';
import { channel } from '#platform/contract/channel';
import { event } from '#platform/contract/event';
import { perCaller } from '#platform/contract/limit';
import { link } from '#platform/contract/link';
import { nothing, operation, page, paging } from '#platform/contract/operation';
import { problem } from '#platform/contract/problem';
import { Id, int64, schema, Timestamp, union } from '#platform/contract/schema';
import { getUsers, UserNotFound } from '#modules/users/contract';

const Visibility = z.enum(['private', 'open']);

export const Room = schema('Room', {
  id: Id,
  name: z.string(),
  /** Anyone in the organization may join an open room; a private one takes an invitation. */
  visibility: Visibility,
  /** What the caller is to the room. */
  membership: z.enum(['joined', 'invited', 'none']),
  /** Number of the newest event. */
  lastSeq: int64(),
  createdAt: Timestamp,
});

export const Message = schema('Message', {
  id: Id,
  roomId: Id,
  /** Position among the events of the room, which are numbered 1, 2, 3, without gaps. */
  seq: int64(),
  authorId: Id,
  text: z.string(),
  postedAt: Timestamp,
});

export const RoomNotFound = problem(
  'chat/room-not-found',
  404,
  'There is no such room',
  'No room with this id that you can see.',
);
export const NotRoomMember = problem(
  'chat/not-room-member',
  403,
  'You are not a member of this room',
  'Join it first: `POST /chat/rooms/{roomId}/join`.',
);
export const NotRoomOwner = problem(
  'chat/not-room-owner',
  403,
  'Only whoever opened the room may do this',
  'Ask the person who opened it.',
);
export const RoomIsPrivate = problem('chat/room-is-private', 403, 'This room takes an invitation', 'A member can invite you.');
export const ClientIdReused = problem(
  'chat/client-id-reused',
  409,
  'This clientId belongs to another message',
  'A clientId names one message. Make a new one for a new message.',
);

export const createRoom = operation({
  name: 'chat.rooms.create',
  summary: 'Open a room',
  description: 'Whoever opens it is its first member.',
  http: 'POST /chat/rooms',
  success: 201,
  access: signedIn(),
  input: { name: z.string().min(1).max(100), visibility: Visibility.default('private') },
  output: Room,
  limit: perCaller(60, '1h'),
  retry: 'key',
});

export const listRooms = operation({
  name: 'chat.rooms.list',
  summary: 'Rooms that I belong to, am invited to, or may join',
  http: 'GET /chat/rooms',
  access: signedIn(),
  input: paging(),
  output: page(Room),
});

export const getRoom = operation({
  name: 'chat.rooms.get',
  summary: 'One room',
  http: 'GET /chat/rooms/:roomId',
  access: signedIn(),
  input: { roomId: Id },
  output: Room,
  problems: [RoomNotFound],
});

export const inviteToRoom = operation({
  name: 'chat.rooms.invite',
  summary: 'Invite somebody of my organization into a room',
  http: 'POST /chat/rooms/:roomId/invite',
  access: signedIn(),
  input: { roomId: Id, personId: Id },
  output: nothing,
  problems: [RoomNotFound, NotRoomMember, UserNotFound],
  limit: perCaller(120, '1m'),
  retry: 'safe',
});

export const joinRoom = operation({
  name: 'chat.rooms.join',
  summary: 'Join a room that is open or that I am invited to',
  http: 'POST /chat/rooms/:roomId/join',
  access: signedIn(),
  input: { roomId: Id },
  output: Room,
  problems: [RoomNotFound, RoomIsPrivate],
  retry: 'safe',
});

export const leaveRoom = operation({
  name: 'chat.rooms.leave',
  summary: 'Leave a room, or decline an invitation',
  http: 'POST /chat/rooms/:roomId/leave',
  access: signedIn(),
  input: { roomId: Id },
  output: nothing,
  problems: [RoomNotFound],
  retry: 'key',
});

export const postMessage = operation({
  name: 'chat.messages.post',
  summary: 'Post a message to a room',
  description: 'Sent again with the same `clientId` it stays one message, and the answer is the first one.',
  http: 'POST /chat/rooms/:roomId/messages',
  success: 201,
  access: signedIn(),
  input: { roomId: Id, clientId: z.uuid(), text: z.string().min(1).max(4000) },
  output: Message,
  problems: [RoomNotFound, NotRoomMember, ClientIdReused],
  limit: perCaller(20, '10s'),
  retry: 'safe',
});

export const listMessages = operation({
  name: 'chat.messages.list',
  summary: 'Messages of a room',
  description: '`newest` starts at the end and pages back in time, `oldest` starts at the beginning.',
  http: 'GET /chat/rooms/:roomId/messages',
  access: signedIn(),
  input: { roomId: Id, order: z.enum(['newest', 'oldest']).default('newest'), ...paging(100, 50) },
  output: page(Message),
  problems: [RoomNotFound, NotRoomMember],
});

export const removeMember = operation({
  name: 'chat.rooms.removeMember',
  summary: 'Put somebody out of a room that I opened',
  description: 'Their subscriptions to the room end at once. An invitation that was not accepted is withdrawn.',
  http: 'DELETE /chat/rooms/:roomId/members/:personId',
  access: signedIn(),
  input: { roomId: Id, personId: Id },
  output: nothing,
  problems: [RoomNotFound, NotRoomOwner],
  retry: 'safe',
});

export const MemberJoined = event({
  name: 'chat.member-joined',
  version: 1,
  key: 'roomId',
  data: { roomId: Id, seq: int64(), personId: Id },
});
export const MemberLeft = event({
  name: 'chat.member-left',
  version: 1,
  key: 'roomId',
  data: { roomId: Id, seq: int64(), personId: Id },
});
export const MessagePosted = event({
  name: 'chat.message-posted',
  version: 1,
  key: 'roomId',
  data: { roomId: Id, seq: int64(), authorId: Id },
});

export const RoomMessage = schema('RoomMessage', { type: z.literal('message'), message: Message });
export const RoomJoined = schema('RoomJoined', { type: z.literal('joined'), seq: int64(), personId: Id, at: Timestamp });
export const RoomLeft = schema('RoomLeft', {
  type: z.literal('left'),
  seq: int64(),
  personId: Id,
  /** Who put them out; absent where they left by themselves. */
  removedBy: Id.optional(),
  at: Timestamp,
});
/** What happens in a room. */
export const RoomEvent = union('RoomEvent', 'type', [RoomMessage, RoomJoined, RoomLeft]);

export const room = channel({
  name: 'chat.room',
  summary: 'What happens in a room that I am in',
  http: 'GET /chat/rooms/:roomId/events',
  access: signedIn(),
  params: { roomId: Id },
  item: RoomEvent,
  events: [MessagePosted, MemberJoined, MemberLeft],
  revokedBy: [MemberLeft],
  problems: [RoomNotFound, NotRoomMember],
});

export const joinedPerson = link(RoomJoined, { field: 'person', by: 'personId', to: getUsers });
export const leftPerson = link(RoomLeft, { field: 'person', by: 'personId', to: getUsers });
export const messageAuthor = link(Message, { field: 'author', by: 'authorId', to: getUsers });
