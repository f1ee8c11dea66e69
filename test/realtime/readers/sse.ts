import { EventReader, type ServerEvent } from '../../support/event-source.ts';
import { type Listener, type Protocol, roomItem } from './protocol.ts';

/** Server-sent events over fetch. */
export const sse: Protocol = {
  name: 'sse',
  follow(place, person, roomId, after, listener) {
    const headers: Record<string, string> = after === undefined ? {} : { 'last-event-id': after };
    const opened = EventReader.open(place, `/chat/rooms/${encodeURIComponent(roomId.toWellFormed())}/events`, person, headers);
    opened.then((reader) => tellAll(reader, listener)).catch(() => listener.ended(undefined));
    return { drop: () => void opened.then((reader) => reader.close()).catch(() => {}) };
  },
};

async function tellAll(reader: EventReader, listener: Listener): Promise<void> {
  let told = 0;
  await reader.until(() => {
    for (const event of reader.heard.slice(told)) tell(event, listener);
    told = reader.heard.length;
    return reader.ended || undefined;
  });
  // What is refused before it begins is a problem instead of a stream.
  listener.ended(reader.reply.ok ? undefined : JSON.parse(reader.text).code);
}

function tell({ event, id, data }: ServerEvent, listener: Listener): void {
  if (event === 'subscribed') listener.began(data.cursor, data.reset);
  else if (event === 'reset') listener.began(data.cursor, true);
  else if (event === 'ended') listener.ended(data.code);
  else listener.item(roomItem(data), id!);
}
