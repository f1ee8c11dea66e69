/** Numbers begin here, so that all have as many digits. */
export const FIRST = 1_000_000;

/** What is said, the same on every server: 221 bytes of JSON. */
export const messageOf = (seq: number) => ({
  id: '0190000a-0000-7000-8000-000000000001',
  seq: String(seq),
  authorId: '0190000b-0000-7000-8000-000000000002',
  text: 'Selamat pagi! Rapat jam sepuluh, ruang biasa.'.padEnd(50, '.'),
  postedAt: '2026-02-03T04:05:06.789Z',
});

/** What the bare servers write around it, as many bytes as the platform's own protocol does. */
export const envelopeOf = (seq: number) => ({ type: 'event', stream: 'aB3_dE6-', cursor: `aB3_dE6-.${seq}` });
