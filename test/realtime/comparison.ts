import { rowsOf } from '../support/database.ts';
import type { RoomItem } from './readers/protocol.ts';

/** What happened in a room after its event `seq`, as the database has it. */
export async function eventsOf(databaseUrl: string, roomId: string, after: number): Promise<RoomItem[]> {
  const rows = await rowsOf<{ seq: string; type: RoomItem['type']; id: string; person_id: string | null; text: string | null }>(
    databaseUrl,
    'select seq, type, id, person_id, text from chat.room_event where room_id = $1 and seq > $2 order by seq',
    [roomId, after],
  );
  return rows.map(({ seq, type, id, person_id: personId, text }) =>
    type === 'message' ? { seq, type, id, text: text! } : { seq, type, id: personId! },
  );
}

/** How what somebody got differs from what happened; nothing where each came once, in order and as it is. */
export function differences(got: readonly RoomItem[], happened: readonly RoomItem[]): string[] {
  const seqs = got.map(({ seq }) => Number(seq));
  const there = new Set(seqs);
  const missing = happened.filter(({ seq }) => !there.has(Number(seq)));
  const known = new Map(happened.map((item) => [item.seq, JSON.stringify(item)]));
  const altered = got.filter((item) => known.get(item.seq) !== JSON.stringify(item));
  const found: string[] = [];
  if (missing.length > 0) found.push(`missing ${missing.map(({ seq }) => seq).join(' ')}`);
  if (there.size < seqs.length) found.push(`twice ${seqs.filter((seq, index) => seqs.indexOf(seq) < index).join(' ')}`);
  if (seqs.some((seq, index) => index > 0 && seq < seqs[index - 1]!)) found.push('out of order');
  if (altered.length > 0) found.push(`not as they happened: ${altered.map(({ seq }) => seq).join(' ')}`);
  return found;
}
