/** A place in one history of a stream. */
export interface Place {
  /** Names the history: another one after a restore, a failover or an import, which may have lost the newest entries. */
  readonly epoch: string;
  readonly seq: number;
}

const CURSOR = /^([\w-]{1,32})\.(\d{1,15})$/;

/** As clients keep it. Opaque to them. */
export const cursorText = ({ epoch, seq }: Place): string => `${epoch}.${seq}`;

/** Undefined for text that is no cursor of ours: whoever sends it gets a reset. */
export function placeOf(cursor: string): Place | undefined {
  const [, epoch, seq] = CURSOR.exec(cursor) ?? [];
  return epoch === undefined ? undefined : { epoch, seq: Number(seq) };
}
